// Package fault breaks things on purpose: what Kafka clients and brokers say to
// each other (Proxy), what goes over any other connection (Pipe), and processes
// (Nemesis, after a Schedule).
//
//	client ──▶ front of a broker ──▶ link ──▶ broker
//	              ▲                    │
//	              └── addresses in answers are those of fronts
//
// Upstream: tests and campaigns. Downstream: any brokers that speak Kafka's
// protocol without encryption, any TCP server, processes of this machine.
//
// Invariants:
//   - A client that begins at a Proxy meets no broker but through it: every
//     answer that names a broker names its front instead, and an answer that
//     might name one and cannot be read ends the connection.
//   - What no Fault hits is passed on byte for byte, but for those addresses and
//     for versions of requests that the Proxy does not know, which it hides.
//   - Answers keep the order of their requests, also those that the Proxy gives
//     itself.
//   - A Schedule is decided by its seed.
package fault
