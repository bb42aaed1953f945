// Command balancers measures how calls are spread over the endpoints of a model:
// betimes, which picks inside its own process, against nginx and HAProxy of Debian as
// proxies in front of the same ten stub model servers.
//
//	load (this process) ─► betimes' picker ─────────────► ten servers (a process)
//	                    └► nginx or HAProxy (a process) ─┘
//
// Load is open loop, Poisson, of one seed per turn; latency is since the intended
// send, and an event that failed took until its deadline. All ask with the same HTTP
// client. What goes wrong goes wrong in the servers' process: a server becomes slow,
// its socket is closed, something else works beside it. Systems take turns, each with
// servers set anew, and ratios are formed within a turn. A proxy that is not installed
// is named and left out:
//
//	apt-get install --no-install-recommends nginx-light haproxy
//	go run ./bench/balancers -scenario l1
package main
