// Command bench measures a system between two topics against the floor, on one
// machine, the way the numbers in RESULTS.md are made:
//
//	core 0: open-loop load and collector (this process), brokers and stub model (another)
//	core 1: the system under test, alone
//
// Systems take turns (F0, F1, betimes, F0, F1, betimes, …), each run with
// brokers, topics, group and process of its own. Ratios are formed within a
// turn; median and range are over the turns. A run that lost, duplicated or
// altered anything, or whose load was not on time, is void and says why. Times
// are since the intended send; ratios since the actual one, so that a late load
// cannot make them look better.
//
//	go run ./bench -scenario p1 -sut ./betimes
package main
