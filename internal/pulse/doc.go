// Package pulse holds what a role says of itself once a second.
//
// Upstream: every role fills one and writes it to the topic <name>-pulse.
// Downstream: latency, dashboard, top, steer and the alerters read them; no
// role reads another role's memory.
//
// Invariants: standard library only; fields are only added; histograms are
// cumulative within one Epoch, so that a lost pulse loses nothing.
package pulse
