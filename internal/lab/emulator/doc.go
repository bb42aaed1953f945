// Package emulator is SageMaker and its neighbours on one machine and one port,
// for unmodified AWS clients: it trains, deploys and answers for real.
//
//	             ┌─ control    SageMaker: models, configs, endpoints, training jobs, registry, tags
//	             │    ├─ training ─► learn
//	client ─► router  └─ fleet ◄──────────────┐
//	             ├─ inference  InvokeEndpoint ─┘
//	             ├─ objects    S3
//	             ├─ tokens     STS
//	             ├─ logs       CloudWatch Logs: what jobs and containers write
//	             ├─ metrics    CloudWatch: data points, alarms
//	             │    └─► scaling   Application Auto Scaling ─► control
//	             ├─ topics     SNS ─► queues, HTTP servers
//	             ├─ queues     SQS
//	             └─ /_emu/     clock, faults, limits, journal, state, reset
//
// All but S3's buckets and /_emu/ is there once per site: the account and region of
// a request's signature.
//
// Upstream: any AWS client: boto3, the AWS CLI, the sagemaker door.
// Downstream: learn for the built-in algorithms, listen for HTTP, the file system.
//
// Invariants: what was answered with success survives a kill. The path of an
// invocation takes no lock. Time that AWS would take passes on one clock that
// callers can push forward. What is not built is refused by name.
package emulator
