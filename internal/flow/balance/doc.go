// Package balance asks the endpoints of a model: it picks the one that answers
// soonest, learns how many calls at once each takes, lets no more through, asks
// again what can still be in time, and writes on each event which endpoint was
// chosen, how long it waited, how long the network took and how long the model
// itself.
//
// Upstream: the chain that app puts together; batch asks for Capacity.
// Downstream: the doors, each of which makes one attempt per call.
//
//	Invoke ─► line ─► choice ─► slot ─► door ─► answered: how long it took
//	           ▲                          │
//	           └── head, after a pause ── refused for load: the limit falls
//	                or at another endpoint, a token ──── 500, 503, 530, no connection
//
// Who decides what: balance decides how many calls an endpoint takes, by what it
// refuses. Stream decides how many events are in work, by how long they take, and
// learns nothing while they wait here. Balance asks again to keep a deadline;
// stream asks again so that nothing is lost.
//
// Invariants: a call holds its slot no longer than its context; between two tries
// it holds none. Retries after faults of the endpoint are at most a share of all
// calls of the process. The marks and decisions of an item are made by the
// goroutine that called, after the door returned. Without another endpoint the only
// one is always asked.
package balance
