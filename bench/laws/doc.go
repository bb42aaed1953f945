// Package laws measures what betimes decides with the time that is left, in virtual
// time: its own code before model servers that take known times. What it finds does
// not depend on the machine; what the machine adds is measured by bench.
//
// Upstream: flow/admit, flow/batch, flow/balance.
// Downstream: bench/data, of which bench/pictures draws docs/pictures.
//
// Invariants: tests only. Without -update each is short and holds what was found
// against what is promised; with it each is long and writes its table.
package laws
