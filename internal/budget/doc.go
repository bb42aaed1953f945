// Package budget says how long things may take: it is the only timeout policy.
//
// Upstream: the objective of the configuration, the deadline on each event, and
// what finished events took, which app tells.
// Downstream: every room that waits asks here.
//
//	received        now                    answer by     deadline
//	   ├── spent ────┼── needs of the stages to come ──┬─────┤
//	                 ├──────── slack ────────┤ model … │ publish
//
// Invariants: standard library and event only; a deadline is absolute, a budget is a
// span; what is known of a stage is what it took lately, never what it took best.
package budget
