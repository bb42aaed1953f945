// Command bench measures betimes between two topics against the floor and
// against other systems, on one machine, the way the numbers in RESULTS.md are
// made:
//
//	core 0: sender, collector (this process), stub model and brokers
//	core 1: the system under test, alone
//
// Systems take turns (F1, betimes, a peer, F1, betimes, …), each run with
// topics, group and processes of its own. Ratios are formed within a turn;
// median and range are over the turns. A run that lost, duplicated or altered
// anything, or whose load was not on time, is void and says why. Times are since
// the intended send; ratios since the actual one, so that a late load cannot
// make them look better.
//
// All run in the real-time class, the sender before the others, so that it is on
// time; only the compilers of Java machines run beside it, since each would hold
// its core for a whole turn of 100 ms.
//
// The Java peers (peers/) are fetched by Maven and compiled at first use, into
// the cache folder. Bento and Redpanda Connect join when a binary is given.
//
//	go run ./bench -scenario p1
//	go run -tags interop ./bench -scenario all -broker embedded,real -peer bento=PATH
package main
