// Package sagemaker asks SageMaker endpoints and makes them: signed calls over
// net/http to AWS, to a VPC endpoint or to an emulator.
//
//	Account ─┬─ Endpoint  a model.Invoker: InvokeEndpoint, and a probe of its state
//	         ├─ Control   training jobs, models, endpoint configs, endpoints
//	         └─ Objects   S3: buckets and objects
//
// Upstream: the prediction path (Endpoint); rollout (Control, Objects).
// Downstream: the runtime, control and S3 APIs. AWS lives only here.
//
// Invariants: one attempt per call; the vendor's retries are not used. The
// credential chain is asked once and refreshed ahead of expiry. A failure is
// classified by x-amzn-ErrorType before its status: throttling is a 400 with an
// empty message. What a model said is in model.Error.Message; it may repeat the
// event and is no text for a log.
package sagemaker
