// Package topics is SNS: topics, and subscriptions of queues and of HTTP servers.
//
//	Publish, alarms, asynchronous inference ─► topic ─┬─► queue (queues)
//	                                                  └─► kept delivery ─► POST, again when it fails
//
// Upstream: the router; metrics and inference publish.
// Downstream: queues; HTTP servers of subscribers; the store, the clock.
//
// Invariants: what was published is in the queues, or kept for HTTP, before
// Publish answers. An HTTP server gets notifications only after it confirmed.
// Connections go to this machine only, unless Anywhere; redirects are not
// followed. Notifications are not signed: Signature says so.
package topics
