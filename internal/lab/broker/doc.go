// Package broker runs Kafka brokers inside this process, for one machine: any
// Kafka client can use them.
//
// Upstream: app, for up, demo and broker; tests of many rooms.
// Downstream: franz-go's kfake, which is used only here, and a folder on disk.
//
// Invariants:
//   - Always durable: what was acknowledged is in the operating system's hands, so
//     that killing the process loses no record and no committed offset. Losing
//     power may.
//   - Whatever bytes come to a port, the brokers go on: guard refuses what is no
//     request before kfake reads it.
//   - Nothing is removed before a record that is still kept: a record with an old
//     time takes no newer one with it.
//   - One process: more brokers add addresses, not capacity, and no replication.
//   - A restart on the same folder finds the same addresses and the same cluster id.
//   - Who reads committed records only sees nothing that was aborted, however much it reads at once.
//   - A batch that a producer sends again after a kill is recognised. Not so a
//     transaction: one whose end was being written may end differently in its
//     partitions, so exactly-once together with killed brokers needs real ones.
package broker
