// Package chance is what is left to chance for a request, drawn so that a seed repeats it.
//
// Upstream: inference begins a Draws for every request.
// Downstream: routing, faults, shadows and the service times of profiles draw from it.
//
// Invariants: what is drawn depends on the seed, the endpoint, the number of the
// request there and the purpose, and on nothing else: not on time, and not on
// what other requests drew or how much was drawn for another purpose.
package chance
