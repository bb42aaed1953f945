// Package rest asks any HTTP model server that answers POST: /invocations
// containers, MLflow, TorchServe and the like.
//
// Upstream: the prediction path, as a model.Invoker.
// Downstream: one model server, through net/http.
//
// Invariants: one attempt per Invoke, no redirect, no cookie. Every request
// carries X-Deadline-Ms, what is left of the tightest deadline when it is sent,
// and X-Inference-Id, the same at every attempt at an event.
// A server's Server-Timing: model;dur=<ms> becomes Times.Compute. The server's
// words are in model.Error.Message; they may repeat the event and are no text
// for a log.
package rest
