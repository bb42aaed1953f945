// Package control is the SageMaker control plane: models, endpoint configs,
// endpoints, training jobs, the model registry and tags.
//
//	CreateEndpoint ─► Creating ──ok──► InService ──UpdateEndpoint──► Updating ──ok──► InService
//	                     │ fail            │                            │ fail
//	                     ▼                 └─DeleteEndpoint─► Deleting  ▼
//	                  Failed                                  RollingBack ─► InService (old config, FailureReason)
//
// Upstream: SageMaker clients through the router.
// Downstream: store for what must last, fleet for instances, inference for
// traffic, training for jobs, the clock for everything that takes time on AWS.
//
// Invariants: what was answered with 200 is on disk. Unknown members are kept
// and given back, never refused; what is known but not built is refused by name,
// never ignored. States are published in the order they are written.
package control
