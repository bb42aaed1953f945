package control

import (
	"context"
	"encoding/json"
	"errors"
	"maps"

	"betimes/internal/lab/emulator/training"
)

// train runs a job on its own goroutine; s.mu is held.
func (s *Service) train(j *job) {
	r := j.request()
	ctx, cancel := context.WithCancelCause(s.life)
	j.cancel = func() { cancel(training.ErrStopped) }
	s.noteState("training-job", j.Name, inProgress, "")
	s.work(func(l *life) {
		defer cancel(nil)
		result, err := s.runJob(ctx, l, j, r)
		s.ended(l, j, result, err)
	})
}

// request is what made j.
func (j *job) request() *jobRequest {
	r := &jobRequest{}
	_ = json.Unmarshal(mustMarshal(j.Request), r) // was decoded at create
	return r
}

func (s *Service) runJob(ctx context.Context, l *life, j *job, r *jobRequest) (training.Result, error) {
	limited, end := context.WithTimeoutCause(ctx, r.runtime(), training.ErrRuntime)
	defer end()
	err := s.Clock.Sleep(limited, s.Pace.Training("Starting"))
	var result training.Result
	if err == nil {
		result, err = s.Training.Run(limited, r.job(j.ARN), func(status, message string) { s.report(l, j, status, message) })
	}
	if cause := context.Cause(limited); errors.Is(cause, training.ErrRuntime) {
		err = cause
	}
	return result, err
}

// mustMarshal writes what came from JSON.
func mustMarshal(f fields) []byte {
	raw, _ := json.Marshal(f)
	return raw
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

func (s *Service) report(l *life, j *job, status, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.Status != inProgress || l.Err() != nil {
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
func (s *Service) ended(l *life, j *job, result training.Result, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	switch {
	case l.Err() != nil:
		return
	case j.Status == stopping:
		j.Status, j.Artefact, j.Metrics = stopped, result.Artefact, result.Metrics
		s.advance(j, stopped, "Training job stopped")
	case errors.Is(err, training.ErrRuntime):
		j.Status, j.Artefact, j.Metrics = stopped, result.Artefact, result.Metrics
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
			now := s.now()
			j.Status, j.Ended = stopped, &now
			s.advance(j, stopped, "Training job stopped")
			s.must("training-job", j.Name, s.jobs.put(j))
		}
	}
}
