package control

import (
	"context"

	"betimes/internal/lab/emulator/reply"
	"betimes/internal/lab/emulator/training"
)

// The states of a training job.
const (
	inProgress = "InProgress"
	completed  = "Completed"
	stopping   = "Stopping"
	stopped    = "Stopped"
)

type job struct {
	record
	Status      string            `json:"status"`
	Secondary   string            `json:"secondary"`
	Transitions []transition      `json:"transitions"`
	Reason      string            `json:"reason,omitempty"`
	Artefact    string            `json:"artefact,omitempty"`
	Metrics     []training.Metric `json:"metrics,omitempty"`
	Started     *reply.Time       `json:"started,omitempty"`
	Ended       *reply.Time       `json:"ended,omitempty"`

	changed chan struct{}      // closed at the next change of Status
	cancel  context.CancelFunc // ends the training
}

type transition struct {
	Status        string      `json:"Status"`
	StartTime     reply.Time  `json:"StartTime"`
	EndTime       *reply.Time `json:"EndTime,omitempty"`
	StatusMessage string      `json:"StatusMessage,omitempty"`
}

func (j *job) status() string { return j.Status }

func (j *job) busy() bool { return j.Status == inProgress || j.Status == stopping }

func (s *Service) createJob(ctx context.Context, body []byte) (any, error) {
	var r jobRequest
	if err := reply.Decode(body, &r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	if image := r.AlgorithmSpecification.TrainingImage; r.isProgram() {
		if err := s.Training.Trains(ctx, image); err != nil {
			return nil, reply.Validation("Training image %q cannot run here: %v; start its server yourself and name it http://HOST:PORT, or use an image that contains xgboost or linear-learner, or exec:PATH of a program", image, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	j := &job{record: s.record("training-job", r.TrainingJobName, body), Status: inProgress, changed: make(chan struct{})}
	if _, exists := s.jobs.get(j.Name); exists {
		return nil, reply.Modelled("ResourceInUse", "Training job names must be unique within an AWS account and region, and a training job with this name already exists (%s)", j.ARN)
	}
	if m := r.ResourceConfig; m != nil {
		if err := s.within(forTraining, m.InstanceType, m.count()); err != nil {
			return nil, err
		}
	}
	s.advance(j, "Starting", "Starting the training job")
	if err := s.jobs.put(j); err != nil {
		return nil, err
	}
	if err := s.tag(j.ARN, r.Tags); err != nil {
		return nil, err
	}
	s.train(j)
	return map[string]string{"TrainingJobArn": j.ARN}, nil
}

func (s *Service) findJob(body []byte) (*job, error) {
	var r struct{ TrainingJobName string }
	if err := reply.Decode(body, &r); err != nil {
		return nil, err
	}
	var c reply.Checks
	if c.Text("trainingJobName", r.TrainingJobName, 63, entityName); c.Err() != nil {
		return nil, c.Err()
	}
	j, ok := s.jobs.get(r.TrainingJobName)
	if !ok {
		return nil, reply.Validation("Requested resource not found.")
	}
	return j, nil
}

func (s *Service) describeJob(ctx context.Context, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, err := s.findJob(body)
	if err != nil {
		return nil, err
	}
	s.hold(ctx, func() <-chan struct{} { return j.changed }, j.busy)
	return j.describe(), nil
}

func (j *job) describe() fields {
	f := j.Request.without("Tags")
	f.with("TrainingJobArn", j.ARN).with("TrainingJobStatus", j.Status).with("SecondaryStatus", j.Secondary)
	f.with("SecondaryStatusTransitions", j.Transitions).with("CreationTime", j.Created).with("LastModifiedTime", j.Modified)
	f.with("ModelArtifacts", map[string]string{"S3ModelArtifacts": j.Artefact})
	if _, sent := f["StoppingCondition"]; !sent {
		f.with("StoppingCondition", map[string]int{"MaxRuntimeInSeconds": 86400})
	}
	if j.Reason != "" {
		f.with("FailureReason", j.Reason)
	}
	if len(j.Metrics) > 0 {
		f.with("FinalMetricDataList", j.Metrics[:min(len(j.Metrics), 40)])
	}
	if j.Started != nil {
		f.with("TrainingStartTime", *j.Started)
	}
	if j.Ended != nil {
		f.with("TrainingEndTime", *j.Ended)
	}
	if j.Started != nil && j.Ended != nil {
		seconds := max(1, int(j.Ended.Sub(j.Started.Time).Seconds()+0.5))
		f.with("TrainingTimeInSeconds", seconds).with("BillableTimeInSeconds", seconds)
	}
	return f
}

func (s *Service) listJobs(_ context.Context, body []byte) (any, error) {
	return list(s, body, s.jobs, ascending, "TrainingJobSummaries", func(j *job) map[string]any {
		m := map[string]any{"TrainingJobName": j.Name, "TrainingJobArn": j.ARN, "CreationTime": j.Created, "LastModifiedTime": j.Modified, "TrainingJobStatus": j.Status}
		if j.Ended != nil {
			m["TrainingEndTime"] = *j.Ended
		}
		return m
	})
}

func (s *Service) stopJob(_ context.Context, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, err := s.findJob(body)
	if err != nil {
		return nil, err
	}
	switch j.Status {
	case stopping: // twice is once
		return struct{}{}, nil
	case inProgress:
	default:
		return nil, reply.Validation("The request was rejected because the training job is in status %s", j.Status)
	}
	j.Status = stopping
	s.advance(j, stopping, "Stopping the training job")
	j.cancel()
	s.noteState("training-job", j.Name, stopping, "")
	return struct{}{}, s.jobs.put(j)
}
