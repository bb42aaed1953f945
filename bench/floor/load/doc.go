// Package load sends records into one topic at moments drawn beforehand and
// reads what comes out of another, in one process, so that both times come
// from one clock. Latency is read back minus intended.
//
// It is open loop: the moments are those of a Poisson process, absolute; when
// it is late it sends at once, skips nothing and shifts nothing.
//
// Upstream: bench.
// Downstream: the brokers, by the Kafka client itself, as floor does.
package load
