// Package series lets several things of one process count into the same metric.
//
// Upstream: doors and rooms of which there may be several, as endpoints or models
// are, pass their families to Shared. Downstream: the Prometheus client.
//
// Invariants: a name is registered once for each registerer, whoever comes first;
// those who come later count into the same family, under labels of their own.
package series
