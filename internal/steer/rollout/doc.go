// Package rollout brings a model into service: it trains it or takes one of
// your own, makes the endpoint and waits until it answers. It does the same on
// AWS and on the emulator.
//
//	data ─► S3 ─► training job ─┐
//	file ─► S3 ─────────────────┼─► model ─► endpoint config ─► endpoint ─► in service
//	command, image ─────────────┘
//
// Upstream: app, before the pipeline starts.
// Downstream: sagemaker (Control, Objects).
//
// Invariants: every name holds a digest of what it was made of, so doing it
// again, from another process or after a crash, finds and adopts what is there.
// An endpoint on AWS that serves is never touched. What a model is trained with
// has the columns it is asked with, in their order.
package rollout
