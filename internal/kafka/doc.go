// Package kafka is the door to Kafka: the only user of franz-go's client. It
// gives producers, group members, tails without a group, and the few questions
// the other rooms ask of a cluster.
//
// Upstream: gateway and stream write, everyone reads.
// Downstream: any Kafka 2.4 or newer, Redpanda, MSK, or the brokers of lab/broker.
//
// Invariants:
//   - What is acknowledged is in every in-sync replica: idempotent, acks=all.
//   - Order of one partition is the order of Write.
//   - A position never moves by itself. Data that is gone halts its partition and
//     is told; nothing is rewound or skipped in silence.
//   - Only committed transactions are read.
//   - A topic that exists is never changed.
//   - Nothing is connected before it is needed, and every client has the name
//     <pipeline>-<instance>-<what>.
package kafka
