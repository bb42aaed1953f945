// Package exchange makes one HTTP exchange with a model server: a body out, an
// answer in, the time of both, and the class of what went wrong on the way.
//
// Upstream: the doors that speak HTTP (sagemaker, oip, rest).
// Downstream: net/http.
//
//	Do ──► wait for a connection ──► write ──► server ──► read the answer
//	        └ Times.Connect: dial+TLS ┘└────────── Times.Total ──────────┘
//
// Invariants: standard library only. One attempt: nothing is sent twice and no
// redirect is followed. Never more connections than configured, idle ones are
// kept, HTTP/1.1, no compression. An answer over MaxAnswerBytes is an error,
// and all that are read at once take no more than their Room, and one more.
package exchange
