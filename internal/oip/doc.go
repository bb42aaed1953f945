// Package oip asks model servers that speak the Open Inference Protocol, version
// 2, over HTTP or gRPC: KServe, NVIDIA Triton, Seldon's MLServer.
//
//	body of an event ──► tensors ──► one call ──► tensors ──► answers
//	      JSON or csv    by the model's own           JSON or csv, each as if
//	                     metadata, joined along       its event had been asked
//	                     the batch dimension          alone
//
// Upstream: the prediction path, as a model.Invoker.
// Downstream: one model of one server, through net/http or gRPC.
//
// Invariants: one attempt per Invoke, no redirect, no cookie; over gRPC once more where
// an answer is larger than any before. Large answers share their room. Tensors travel as
// bytes where the server takes them (the binary tensor extension, and always with
// gRPC), so no number changes on its way. What the model says of its inputs is
// read before the first call and again when the server went away; a request that
// does not fit asks nobody, and until one has fitted it is held to be a mistake of
// the configuration: its events wait. Names, datatypes, shapes and lengths of an
// answer are checked before it is parted. Every request carries X-Deadline-Ms and
// the id of the event, the same at every attempt; an answer with another id is
// refused. Errors hold no value of an event.
package oip
