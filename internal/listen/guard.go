package listen

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"betimes/internal/setting"
)

// Guard lets callers in by bearer token. With no tokens it lets everyone in,
// as admin named local.
type Guard struct {
	tokens []TokenConfig
}

// NewGuard makes a Guard; the tokens' files are read at each use.
func NewGuard(tokens []TokenConfig) *Guard { return &Guard{tokens} }

// Caller is who asks.
type Caller struct {
	Name, Role string
}

type callerKey struct{}

// CallerOf returns the caller that a Guard let in.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// Require lets callers of at least role through to next; others get 401 or 403.
func (g *Guard) Require(role string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, ok := g.caller(r)
		switch {
		case !ok:
			w.Header().Set("WWW-Authenticate", "Bearer")
			NewProblem(http.StatusUnauthorized, "unauthorized", "A token is required", "send Authorization: Bearer TOKEN with a token of this listener").Write(w)
		case role == RoleAdmin && caller.Role != RoleAdmin:
			NewProblem(http.StatusForbidden, "forbidden", "This needs the admin role", "the token "+caller.Name+" has the role "+caller.Role).Write(w)
		default:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)))
		}
	})
}

// Knows says whether the caller shows a token of this listener; with no tokens
// it knows everyone.
func (g *Guard) Knows(r *http.Request) bool {
	_, ok := g.caller(r)
	return ok
}

func (g *Guard) caller(r *http.Request) (Caller, bool) {
	if len(g.tokens) == 0 {
		return Caller{"local", RoleAdmin}, true
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return Caller{}, false
	}
	for _, t := range g.tokens {
		if same(t.Token, given) {
			return Caller{t.Name, t.Role}, true
		}
	}
	return Caller{}, false
}

// RequireToken lets callers through that show the one token; an empty one lets all through.
func RequireToken(token setting.Secret, next http.Handler) http.Handler {
	if token.IsZero() {
		return next
	}
	return NewGuard([]TokenConfig{{Name: "metrics", Role: RoleRead, Token: token}}).Require(RoleRead, next)
}

// same compares in constant time; an unreadable or empty secret equals nothing.
func same(secret setting.Secret, given string) bool {
	want, err := secret.Value()
	if err != nil || want == "" {
		return false
	}
	a, b := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
