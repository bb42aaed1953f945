// Package model holds what answers: the Request and Response of a call, the
// Invoker that makes it, the Class of a failure and the Codec that joins and
// splits bodies per content type.
//
// Upstream: the prediction path (feature makes Items, the chain makes Requests).
// Downstream: the doors sagemaker, oip and rest are Invokers.
//
// Invariants: Response.Answers has the length and order of Request.Items. A
// door makes one attempt and never waits or retries; it marks nothing on the
// event but returns times.
package model
