// Package admin is the listener that every role has: health, readiness, metrics,
// profiles, and the place where the dashboard's API and page are mounted.
//
// Upstream: app adds checks and mounts handlers.
// Downstream: listen serves; probes, Prometheus, browsers and commands ask.
//
// Invariants: what changes anything needs the admin role and is never a GET;
// cross-site requests and foreign host names are refused, so that a web page
// elsewhere cannot use a browser on this machine; every answer carries a strict
// content policy. Mount and AddCheck are called before Run.
package admin
