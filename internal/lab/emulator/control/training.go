package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"time"

	"betimes/internal/lab/emulator/fleet"
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

type jobRequest struct {
	TrainingJobName        string
	HyperParameters        map[string]string
	AlgorithmSpecification struct {
		TrainingImage, AlgorithmName, TrainingInputMode string
		MetricDefinitions                               []training.MetricDefinition
	}
	RoleArn         string
	InputDataConfig []struct {
		ChannelName                                 string
		ContentType, CompressionType, RecordWrapper string
		DataSource                                  struct {
			S3DataSource *struct{ S3DataType, S3Uri string }
		}
	}
	OutputDataConfig          struct{ S3OutputPath, CompressionType string }
	ResourceConfig            *struct{ InstanceType string }
	StoppingCondition         struct{ MaxRuntimeInSeconds *int }
	EnableManagedSpotTraining bool
	Environment               map[string]string
	Tags                      []tag
}

func (r *jobRequest) check() error {
	var c checks
	c.text("trainingJobName", r.TrainingJobName, 63, entityName)
	c.text("roleArn", r.RoleArn, 2048, roleARN)
	c.text("outputDataConfig.s3OutputPath", r.OutputDataConfig.S3OutputPath, 1024, s3URI)
	c.optionalText("algorithmSpecification.trainingImage", r.AlgorithmSpecification.TrainingImage, 255, imageName)
	c.enum("algorithmSpecification.trainingInputMode", r.AlgorithmSpecification.TrainingInputMode, "File", "Pipe", "FastFile")
	c.count("hyperParameters", len(r.HyperParameters), 0, 100)
	for name, value := range r.HyperParameters {
		c.optionalText("hyperParameters", name, 256, nil)
		c.optionalText("hyperParameters."+name, value, 2500, nil)
	}
	c.environment("environment", r.Environment, 512, 512)
	c.count("algorithmSpecification.metricDefinitions", len(r.AlgorithmSpecification.MetricDefinitions), 0, 40)
	c.tags("tags", r.Tags)
	if n := r.StoppingCondition.MaxRuntimeInSeconds; n != nil {
		c.between("stoppingCondition.maxRuntimeInSeconds", n, 1, 2419200)
	}
	if r.ResourceConfig != nil && r.ResourceConfig.InstanceType != "" && !instance.MatchString(r.ResourceConfig.InstanceType) {
		c.add(r.ResourceConfig.InstanceType, "resourceConfig.instanceType", "Member must satisfy enum value set: [ml.m5.large, ml.c5.xlarge, ...]")
	}
	for i, in := range r.InputDataConfig {
		c.text(fmt.Sprintf("inputDataConfig.%d.member.channelName", i+1), in.ChannelName, 64, channel)
		if s3 := in.DataSource.S3DataSource; s3 != nil {
			c.text(fmt.Sprintf("inputDataConfig.%d.member.dataSource.s3DataSource.s3Uri", i+1), s3.S3Uri, 1024, s3URI)
		}
	}
	if err := c.err(); err != nil {
		return err
	}
	return r.built()
}

// built refuses what is not built yet.
func (r *jobRequest) built() error {
	switch {
	case fleet.Algorithm(r.AlgorithmSpecification.TrainingImage) == "":
		return reply.Validation("Training image %q cannot run here; use one that contains xgboost or linear-learner", r.AlgorithmSpecification.TrainingImage)
	case r.AlgorithmSpecification.TrainingInputMode == "Pipe":
		return notBuilt("TrainingInputMode Pipe")
	case r.EnableManagedSpotTraining:
		return notBuilt("EnableManagedSpotTraining")
	case r.OutputDataConfig.CompressionType == "NONE":
		return notBuilt("OutputDataConfig.CompressionType NONE")
	}
	for _, in := range r.InputDataConfig {
		switch s3 := in.DataSource.S3DataSource; {
		case s3 == nil:
			return reply.Validation("Channel %q has no S3DataSource; other data sources are not supported", in.ChannelName)
		case s3.S3DataType != "S3Prefix":
			return notBuilt("S3DataType " + s3.S3DataType)
		}
	}
	for _, d := range r.AlgorithmSpecification.MetricDefinitions {
		if _, err := regexp.Compile(d.Regex); err != nil {
			return reply.Validation("Metric %q: %v", d.Name, err)
		}
	}
	return nil
}

func (s *Service) createJob(_ context.Context, body []byte) (any, error) {
	var r jobRequest
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	j := &job{record: s.record("training-job", r.TrainingJobName, body), Status: inProgress, changed: make(chan struct{})}
	if _, exists := s.jobs.get(j.Name); exists {
		return nil, reply.Modelled("ResourceInUse", "Training job names must be unique within an AWS account and region, and a training job with this name already exists (%s)", j.ARN)
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

// train runs a job on its own goroutine; s.mu is held.
func (s *Service) train(j *job) {
	var r jobRequest
	_ = json.Unmarshal(mustMarshal(j.Request), &r) // was decoded at create
	ctx, cancel := context.WithCancel(s.life)
	j.cancel = cancel
	s.noteState("training-job", j.Name, inProgress, "")
	s.work(func() {
		defer cancel()
		limited, end := context.WithTimeoutCause(ctx, r.runtime(), errRuntime)
		defer end()
		err := s.Clock.Sleep(limited, s.Pace.Training("Starting"))
		var result training.Result
		if err == nil {
			result, err = s.Training.Run(limited, r.job(), func(status, message string) { s.report(j, status, message) })
		}
		if cause := context.Cause(limited); errors.Is(cause, errRuntime) {
			err = cause
		}
		s.ended(j, result, err)
	})
}

// mustMarshal writes what came from JSON.
func mustMarshal(f fields) []byte {
	raw, _ := json.Marshal(f)
	return raw
}

var errRuntime = errors.New("maximum runtime exceeded")

func (r *jobRequest) runtime() time.Duration {
	if n := r.StoppingCondition.MaxRuntimeInSeconds; n != nil {
		return time.Duration(*n) * time.Second
	}
	return 24 * time.Hour
}

func (r *jobRequest) job() training.Job {
	j := training.Job{Name: r.TrainingJobName, Algorithm: fleet.Algorithm(r.AlgorithmSpecification.TrainingImage), Hyper: r.HyperParameters,
		Output: r.OutputDataConfig.S3OutputPath, Metrics: r.AlgorithmSpecification.MetricDefinitions}
	for _, in := range r.InputDataConfig {
		j.Channels = append(j.Channels, training.Channel{Name: in.ChannelName, URI: in.DataSource.S3DataSource.S3Uri, ContentType: in.ContentType, Gzip: in.CompressionType == "Gzip"})
	}
	return j
}

// advance closes the last transition and begins the next; s.mu is held.
func (s *Service) advance(j *job, status, message string) {
	now := s.now()
	if n := len(j.Transitions); n > 0 && j.Transitions[n-1].EndTime == nil {
		j.Transitions[n-1].EndTime = &now
	}
	j.Secondary, j.Modified = status, now
	j.Transitions = append(j.Transitions, transition{Status: status, StartTime: now, StatusMessage: message})
}

func (s *Service) report(j *job, status, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.Status != inProgress {
		return
	}
	s.advance(j, status, message)
	if j.Started == nil {
		now := s.now()
		j.Started = &now
	}
	s.must("training-job", j.Name, s.jobs.put(j))
}

// ended keeps how a job ended. When it is the emulator that ends, nothing: the next start trains again.
func (s *Service) ended(j *job, result training.Result, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	switch {
	case j.Status == stopping:
		j.Status = stopped
		s.advance(j, stopped, "Training job stopped")
	case s.life.Err() != nil:
		return
	case errors.Is(err, errRuntime):
		j.Status = stopped
		s.advance(j, "MaxRuntimeExceeded", "Training job runtime exceeded MaxRuntimeInSeconds provided")
	case err != nil:
		j.Status, j.Reason = failed, cut(err.Error())
		s.advance(j, failed, j.Reason)
	default:
		j.Status, j.Artefact, j.Metrics = completed, result.Artefact, result.Metrics
		s.advance(j, completed, "Training job completed")
	}
	j.Ended = &now
	j.Transitions[len(j.Transitions)-1].EndTime = &now
	s.must("training-job", j.Name, s.jobs.put(j))
	s.noteState("training-job", j.Name, j.Status, j.Reason)
	close(j.changed)
	j.changed = make(chan struct{})
}

func (s *Service) resumeJobs() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range maps.Clone(s.jobs.all) {
		j.changed = make(chan struct{})
		switch j.Status {
		case inProgress:
			s.advance(j, "Restarting", "Restarting the training job")
			s.train(j)
		case stopping:
			j.Status = stopped
			s.advance(j, stopped, "Training job stopped")
			s.must("training-job", j.Name, s.jobs.put(j))
		}
	}
}

func (s *Service) findJob(body []byte) (*job, error) {
	var r struct{ TrainingJobName string }
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	var c checks
	if c.text("trainingJobName", r.TrainingJobName, 63, entityName); c.err() != nil {
		return nil, c.err()
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
