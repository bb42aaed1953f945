// Package tokens is what a client asks about itself: the Security Token Service's
// GetCallerIdentity, the role it runs in (IAM's GetRole) and ECR's
// GetAuthorizationToken.
//
// Upstream: the emulator's router.
// Downstream: nothing.
//
// Invariants: every caller is the same account and every role exists; no secret is
// read or kept, and a token opens nothing.
package tokens
