// Package inference is the SageMaker runtime: it takes invocations, picks the
// variant and the instance, and answers as AWS does, errors included.
//
// Upstream: the router passes /endpoints/{name}/invocations; control publishes
// what an endpoint's traffic goes to.
// Downstream: fleet's instances; injection for what shall go wrong; the journal.
//
// Invariants: no lock on the path of an invocation. A Routing is never changed,
// only replaced. Container headers other than content type and custom attributes
// never reach the caller.
package inference
