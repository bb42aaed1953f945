package control

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/inference"
	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
	"betimes/internal/lab/emulator/objects"
	"betimes/internal/lab/emulator/reply"
	"betimes/internal/lab/emulator/store"
	"betimes/internal/lab/emulator/training"
)

// Deps are what the control plane works with.
type Deps struct {
	Region, Account string
	Pace            Pace
	Clock           *clock.Clock
	Store           *store.Store
	Buckets         *objects.Buckets
	Launcher        *fleet.Launcher
	Inference       *inference.Service
	Training        *training.Runner
	Journal         *journal.Journal
	Faults          *injection.Book // nil: none
	Quotas          map[string]int  // "ml.c5.xlarge for endpoint usage" → instances; what is not named has no limit
	Approval        string          // of a version that says none; empty: PendingManualApproval
	Reachable       bool            // CreateModel is refused when its model data is not there
	Alarms          Alarms          // nil: deployments cannot name alarms
	Scaling         Scaling         // nil: nothing is scaled
	Log             *slog.Logger
}

// Pace is how long AWS's work takes here.
type Pace struct {
	Provision func() time.Duration // an instance, until its container starts
	Training  func(secondaryStatus string) time.Duration
	Wait      func(time.Duration) time.Duration // what waits of a deployment become
	Rollback  time.Duration                     // traffic going back to the old fleet
	Hold      time.Duration                     // how long Describe waits for a state to end that will; 0: not at all
}

// Service answers the control plane.
type Service struct {
	Deps
	operations map[string]operation

	mu        sync.Mutex
	life      *life
	models    *table[*model]
	configs   *table[*endpointConfig]
	endpoints *table[*endpoint]
	jobs      *table[*job]
	groups    *table[*packageGroup]
	packages  *table[*registered]
	tags      *table[*tagSet]
}

// life is what goroutines that deploy or train run in: until Close or Reset.
type life struct {
	context.Context
	end     context.CancelFunc
	working sync.WaitGroup
}

func newLife() *life {
	l := &life{}
	l.Context, l.end = context.WithCancel(context.Background())
	return l
}

type operation func(ctx context.Context, body []byte) (any, error)

// New reads what is kept. Resume goes on with it.
func New(d Deps) (*Service, error) {
	s := &Service{Deps: d, life: newLife()}
	var errs [7]error
	s.models, errs[0] = open[*model](d.Store, "model")
	s.configs, errs[1] = open[*endpointConfig](d.Store, "endpoint-config")
	s.endpoints, errs[2] = open[*endpoint](d.Store, "endpoint")
	s.jobs, errs[3] = open[*job](d.Store, "training-job")
	s.tags, errs[4] = open[*tagSet](d.Store, "tags")
	s.groups, errs[5] = open[*packageGroup](d.Store, "model-package-group")
	s.packages, errs[6] = open[*registered](d.Store, "model-package")
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	if err := s.forgetStray(); err != nil {
		return nil, err
	}
	s.operations = map[string]operation{
		"CreateModel": s.createModel, "DescribeModel": s.describeModel, "ListModels": s.listModels, "DeleteModel": s.deleteModel,
		"CreateEndpointConfig": s.createConfig, "DescribeEndpointConfig": s.describeConfig, "ListEndpointConfigs": s.listConfigs, "DeleteEndpointConfig": s.deleteConfig,
		"CreateEndpoint": s.createEndpoint, "DescribeEndpoint": s.describeEndpoint, "ListEndpoints": s.listEndpoints,
		"UpdateEndpoint": s.updateEndpoint, "UpdateEndpointWeightsAndCapacities": s.updateWeights, "DeleteEndpoint": s.deleteEndpoint,
		"CreateTrainingJob": s.createJob, "DescribeTrainingJob": s.describeJob, "ListTrainingJobs": s.listJobs, "StopTrainingJob": s.stopJob,
		"CreateModelPackageGroup": s.createGroup, "DescribeModelPackageGroup": s.describeGroup, "ListModelPackageGroups": s.listGroups, "DeleteModelPackageGroup": s.deleteGroup,
		"CreateModelPackage": s.createPackage, "DescribeModelPackage": s.describePackage, "UpdateModelPackage": s.updatePackage, "ListModelPackages": s.listPackages, "DeleteModelPackage": s.deletePackage,
		"AddTags": s.addTags, "ListTags": s.listTags, "DeleteTags": s.deleteTags,
	}
	return s, nil
}

// maxRequestBytes is more than the largest request of the control plane.
const maxRequestBytes = 4 << 20

// Operations are what is built.
func (s *Service) Operations() []string { return slices.Sorted(maps.Keys(s.operations)) }

// TargetPrefix is before the operation in X-Amz-Target.
const TargetPrefix = "SageMaker."

// ServeHTTP answers awsJson1.1.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), TargetPrefix)
	reply.Operation{
		Name: name, Journal: s.Journal,
		Run:     func() (any, error) { return s.call(r, name) },
		Refused: func(err error) *reply.Error { return reply.Refusal(err, s.Log, name, "InternalFailure") },
	}.Serve(w)
}

func (s *Service) call(r *http.Request, name string) (any, error) {
	run, ok := s.operations[name]
	if !ok {
		return nil, reply.UnknownOperation(name)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBytes+1))
	if err != nil || len(body) > maxRequestBytes {
		return nil, reply.Validation("The request is larger than %d bytes or could not be read.", maxRequestBytes)
	}
	return run(r.Context(), lean(body))
}

func (s *Service) arn(kind, name string) string {
	return "arn:aws:sagemaker:" + s.Region + ":" + s.Account + ":" + kind + "/" + name
}

func (s *Service) now() reply.Time { return reply.At(s.Clock.Now().UTC().Truncate(time.Millisecond)) }

// Resume brings endpoints back into service and goes on with what was under
// way. It returns when the endpoints are there or ctx ends.
func (s *Service) Resume(ctx context.Context) {
	s.resumeJobs()
	done := s.resumeEndpoints()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Close stops deployments and training and waits for them. What they were about is kept.
func (s *Service) Close() {
	s.mu.Lock()
	l := s.life
	s.mu.Unlock()
	l.end()
	l.working.Wait()
}

// work runs f on a goroutine of the clock. What f finds after life has ended is
// not its own any more: it must look, with s.mu held, before it changes anything. s.mu is held.
func (s *Service) work(f func(l *life)) {
	l := s.life
	l.working.Add(1)
	s.Clock.Go(func() {
		defer l.working.Done()
		f(l)
	})
}

func (s *Service) noteState(kind, name, status, why string) {
	s.Journal.Note(journal.Entry{Time: s.Clock.Now(), Kind: journal.State, Resource: kind + "/" + name, Text: strings.TrimSpace(status + " " + why)})
}

// Summary is everything that is held, for the state page.
func (s *Service) Summary() map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	endpoints := make([]any, 0, len(s.endpoints.all))
	for _, e := range s.endpoints.all {
		endpoints = append(endpoints, s.describe(e))
	}
	jobs := make([]any, 0, len(s.jobs.all))
	for _, j := range s.jobs.all {
		jobs = append(jobs, j.describe())
	}
	return map[string]any{"models": s.models.names(), "endpoint_configs": s.configs.names(), "endpoints": endpoints, "training_jobs": jobs,
		"model_package_groups": s.groups.names(), "model_packages": s.packages.names()}
}
