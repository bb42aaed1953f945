package emulator

import (
	"io"
	"strings"

	"betimes/internal/lab/emulator/inference"
	"betimes/internal/lab/emulator/metrics"
	"betimes/internal/lab/emulator/training"
)

// endpointLog is the log stream of a container.
func (s *site) endpointLog(endpoint, stream string) (io.WriteCloser, error) {
	return s.logs.Open("/aws/sagemaker/Endpoints/"+endpoint, stream)
}

// jobLog is the log stream of a training job's host.
func (s *site) jobLog(stream string) (io.WriteCloser, error) {
	return s.logs.Open("/aws/sagemaker/TrainingJobs", stream)
}

// jobMetrics puts what a training job measured where SDKs look for it.
func (s *site) jobMetrics(job string, found []training.Metric) {
	values := make([]metrics.Measured, len(found))
	for i, m := range found {
		values[i] = metrics.Measured{Namespace: "/aws/sagemaker/TrainingJobs", MetricName: m.MetricName, Unit: "None", Dimensions: map[string]string{"TrainingJobName": job}, Value: m.Value}
	}
	if err := s.watch.Record(values...); err != nil {
		s.log.Error("data points not kept", "error", err)
	}
}

// backlog puts what waits at an asynchronous endpoint where scaling policies look for it.
func (s *site) backlog(w inference.Waiting) {
	value := func(metric, unit string, v float64) metrics.Measured {
		return metrics.Measured{Namespace: "AWS/SageMaker", MetricName: metric, Unit: unit, Dimensions: map[string]string{"EndpointName": w.Endpoint}, Value: v}
	}
	without := 0.0
	all := []metrics.Measured{value("ApproximateBacklogSize", "Count", float64(w.Size)), value("ApproximateAgeOfOldestRequest", "Seconds", w.Oldest.Seconds())}
	if w.Instances > 0 {
		all = append(all, value("ApproximateBacklogSizePerInstance", "Count", float64(w.Size)/float64(w.Instances)))
	} else if w.Size > 0 {
		without = 1
	}
	if err := s.watch.Record(append(all, value("HasBacklogWithoutCapacity", "Count", without))...); err != nil {
		s.log.Error("data points not kept", "error", err)
	}
}

// asyncMetrics puts what became of an asynchronous request where AWS publishes it.
func (s *site) asyncMetrics(found ...inference.Measure) {
	values := make([]metrics.Measured, len(found))
	for i, m := range found {
		values[i] = metrics.Measured{Namespace: "AWS/SageMaker", MetricName: m.Metric, Unit: m.Unit, Dimensions: map[string]string{"EndpointName": m.Endpoint, "VariantName": m.Variant}, Value: m.Value}
	}
	if err := s.watch.Record(values...); err != nil {
		s.log.Error("data points not kept", "error", err)
	}
}

// act is what an alarm does.
func (s *site) act(action string, n metrics.Notice) {
	switch {
	case strings.HasPrefix(action, "arn:aws:autoscaling:"):
		s.scaling.Trigger(action, n)
	case strings.HasPrefix(action, "arn:aws:sns:"):
		if err := s.topics.Publish(action, n.Subject, n.Message); err != nil {
			s.log.Warn("alarm not published", "alarm", n.Alarm, "topic", action, "error", err)
		}
	}
}
