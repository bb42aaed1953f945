// Package rollout brings a model into service: it trains it or takes one of
// your own, makes the endpoint and waits until it answers. It does the same on
// AWS and on the emulator.
//
//	Ensure, before the pipeline starts:
//	data ─► S3 ─► training job ─┐
//	file ─► S3 ─────────────────┼─► model ─► endpoint config ─► endpoint ─► in service
//	command, image ─────────────┘
//
//	Train, whenever it is asked:
//	file, topic ─► rows ─┬─► training job ─► artefact ─┬─► version ─► approved? ─► endpoint
//	                     └─► held out ──► figures ─────┘
//
// Upstream: app: before the pipeline starts (Ensure), for the commands train
// and rollout (Train, Abandon, Look, To).
// Downstream: sagemaker (Control, Objects, an endpoint to ask); the topics that
// rows are read from.
//
// Invariants: every name holds a digest of what it was made of, so doing it
// again, from another process or after a crash, finds and adopts what is there.
// An endpoint on AWS that serves is never touched by Ensure. What a model is
// trained with has the columns it is asked with, in their order. A row that is
// held out is never in a job, in any run. What is noted as unfinished in the
// bucket is all that a killed run can leave.
package rollout
