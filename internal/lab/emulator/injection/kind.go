package injection

import "slices"

// The kinds of fault that hit invocations. Those of the first line are answers of
// SageMaker itself, before an instance is asked; of the second, of an instance; of
// the third, of the way back.
const (
	Throttle, Internal, Unavailable, NotReady, Dependency = "throttle", "internal", "unavailable", "not_ready", "dependency"
	ModelError, Latency, Stuck                            = "model_error", "latency", "stuck"
	Reset, Truncate                                       = "reset", "truncate"
)

// The kinds of fault that hit deployments.
const (
	Capacity       = "capacity"
	Health         = "health"
	Rollback       = "rollback"
	SilentRollback = "silent_rollback"
)

// The kinds of fault that hit what comes after an answer: streams, results,
// notifications, and the objects that others read and write.
const (
	StreamError    = "stream_error"   // ModelStreamError in band, after half of the answer
	StreamFailure  = "stream_failure" // InternalStreamFailure in band
	LostResult     = "lost_result"    // of an asynchronous request: neither written nor told
	LateResult     = "late_result"
	LostNotice     = "sns_lost"
	LateNotice     = "sns_late"
	RepeatedNotice = "sns_duplicate"
	StorageError   = "s3_error"
)

// The codes of stream_error.
const (
	StreamBroken       = "StreamBroken"
	StreamTimeExceeded = "ModelInvocationTimeExceeded"
)

// The operations that faults hit, as callers write them.
const (
	Invoke      = "InvokeEndpoint"
	InvokeAsync = "InvokeEndpointAsync"
	Stream      = "InvokeEndpointWithResponseStream"
	create      = "CreateEndpoint"
	update      = "UpdateEndpoint"
	weigh       = "UpdateEndpointWeightsAndCapacities"
	publish     = "Publish"
)

// The members of match, by what they look at.
var (
	ofAll      = []string{"operation", "region", "account", "percent"}
	ofEndpoint = append([]string{"endpoint", "variant"}, ofAll...)
	ofRequest  = append([]string{"target_variant", "instance", "inference_id", "body"}, ofEndpoint...)
	ofResult   = append([]string{"endpoint", "inference_id", "body"}, ofAll...)
)

// Kind is what a fault of a name can do.
type Kind struct {
	Name       string
	Operations []string // nil: those of Book.Storage
	Match      []string // members of match that it looks at
	Reads      []string // members beside match, count and for that it looks at
}

// Kinds are all that are built.
var Kinds = []Kind{
	{Throttle, []string{Invoke, Stream, InvokeAsync}, ofRequest, nil},
	{Internal, []string{Invoke, Stream, InvokeAsync}, ofRequest, nil},
	{Unavailable, []string{Invoke, Stream, InvokeAsync}, ofRequest, nil},
	{NotReady, []string{Invoke, Stream}, ofRequest, nil},
	{Dependency, []string{Invoke, Stream}, ofRequest, nil},
	{ModelError, []string{Invoke, Stream, InvokeAsync}, ofRequest, []string{"status", "body"}},
	{Latency, []string{Invoke, Stream, InvokeAsync}, ofRequest, []string{"add", "times"}},
	{Stuck, []string{Invoke, Stream, InvokeAsync}, ofRequest, nil},
	{Reset, []string{Invoke, Stream, InvokeAsync}, ofRequest, nil},
	{Truncate, []string{Invoke, Stream, InvokeAsync}, ofRequest, nil},
	{StreamError, []string{Stream}, ofRequest, []string{"code", "body"}},
	{StreamFailure, []string{Stream}, ofRequest, []string{"body"}},
	{LostResult, []string{InvokeAsync}, ofResult, nil},
	{LateResult, []string{InvokeAsync}, ofResult, []string{"add"}},
	{Capacity, []string{create, update, weigh}, ofEndpoint, nil},
	{Health, []string{create, update, weigh}, ofEndpoint, nil},
	{Rollback, []string{update}, ofEndpoint, nil},
	{SilentRollback, []string{update}, ofEndpoint, nil},
	{LostNotice, []string{publish}, append([]string{"topic"}, ofAll...), nil},
	{LateNotice, []string{publish}, append([]string{"topic"}, ofAll...), []string{"add"}},
	{RepeatedNotice, []string{publish}, append([]string{"topic"}, ofAll...), nil},
	{StorageError, nil, append([]string{"bucket"}, ofAll...), []string{"status"}},
}

// Submission are the kinds that hit an asynchronous request when it is submitted,
// InTheModel those that hit it when its model is asked.
var (
	Submission = []string{Throttle, Internal, Unavailable, Reset, Truncate}
	InTheModel = []string{ModelError, Latency, Stuck}
)

// names of all kinds.
func names() []string {
	var all []string
	for _, k := range Kinds {
		all = append(all, k.Name)
	}
	return all
}

func kindOf(name string) (Kind, bool) {
	at := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == name })
	if at < 0 {
		return Kind{}, false
	}
	return Kinds[at], true
}
