// Package metrics is CloudWatch: it keeps data points, answers questions about
// them and evaluates alarms, over all three of its wire protocols.
//
//	awsJson1.0 ─┐                    ┌─ points   1 s for 3 hours, 60 s for 15 days
//	CBOR ───────┼─► JSON ─► operation┤
//	Query/XML ──┘                    └─ alarms ──► Act: topics, scaling policies
//	inference ──► meter ──► every 10 s ──► points
//
// Upstream: the router; inference's invocations; scaling and control ask for alarms.
// Downstream: the store for alarms, a log of its own for data points, the clock.
//
// Invariants: a data point that was accepted survives a kill. Dimensions match
// as an exact set. Nothing is called with the lock held; counting an invocation
// takes no lock. Alarms are evaluated on the emulator's clock only.
package metrics
