// Package fleet is the machines behind endpoints: instances that are worker
// slots with a queue before them, and the containers that run on them.
//
//	          Invoke           slot free?            container
//	router ───────────► queue ───────────► worker ─────────────► answer
//	                    (FIFO: q)           (its time: c)
//
// Upstream: control launches and stops instances, inference invokes them.
// Downstream: learn's models, child processes, HTTP servers; objects for model artefacts.
//
// Invariants: an instance never runs more calls at once than it has workers. A
// container gets traffic only after it answered /ping. Nothing of an archive
// lands outside the folder it is unpacked to. Child processes die with the emulator.
package fleet
