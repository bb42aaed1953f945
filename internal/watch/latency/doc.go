// Package latency knows where the time goes. A Meter sits in the stream and
// counts what the timeline of each finished event says; a Monitor sits in watch,
// takes the pulses of all roles and answers: how long does each stage take, how
// many events were late, and which stage is to blame.
//
// Upstream: the stream tells the Meter of every ending; pulses tell the Monitor, also
// which keys have most of the events.
// Downstream: the pulse of the role, Prometheus, the dashboard, why and top.
//
//	stream ── Meter ── pulse (1/s) ──▶ topic ──▶ Monitor ── Report, Why
//
// Invariants: Observe allocates nothing and takes no lock. The Monitor's memory
// does not depend on the number of instances beyond their newest pulse: what they
// counted is merged into slots of a second (for 15 minutes) and of ten seconds
// (for an hour). A pulse that got lost loses nothing, since counts are cumulative.
// A stage is blamed only for a rise beyond noise or a missed objective.
package latency
