package inference

import "time"

// Measure is a value of the metrics that only asynchronous endpoints have.
type Measure struct {
	Endpoint, Variant, Metric, Unit string
	Value                           float64
}

// The metrics of asynchronous requests, per variant; the three s are AWS's.
const (
	downloadFailures = "RequestDownloadFailures"
	downloadLatency  = "RequestDownloadLatency"
	uploadFailures   = "ResponseUploadFailures"
	uploadLatency    = "ResponseUploadLatency"
	noticeFailures   = "NotificationFailures"
	expiredRequests  = "ExpiredRequests"
	modelFailures    = "InvocationFailures"
	processed        = "InvocationsProcesssed"
	inBacklog        = "TimeInBacklog"
	inTotal          = "TotalProcessingTime"
)

// count notes that something happened to q once.
func (q *asyncRequest) count(metric string) {
	q.measures = append(q.measures, Measure{Metric: metric, Unit: "Count", Value: 1})
}

// took notes how long something of q took: transfers in microseconds, the rest in milliseconds.
func (q *asyncRequest) took(metric string, d time.Duration) {
	m := Measure{Metric: metric, Unit: "Milliseconds", Value: float64(d.Milliseconds())}
	if metric == downloadLatency || metric == uploadLatency {
		m.Unit, m.Value = "Microseconds", float64(d.Microseconds())
	}
	q.measures = append(q.measures, m)
}

// publishMeasures tells what was noted of q; a request that no variant had counts for the first.
func (b *Backlog) publishMeasures(q *asyncRequest, routing *Routing) {
	if q.variant == "" && routing != nil && len(routing.Variants) > 0 {
		q.variant = routing.Variants[0].Name
	}
	for i := range q.measures {
		q.measures[i].Endpoint, q.measures[i].Variant = q.Endpoint, q.variant
	}
	b.Record(q.measures...)
}
