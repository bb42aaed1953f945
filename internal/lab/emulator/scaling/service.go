package scaling

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
	"betimes/internal/lab/emulator/control"
	"betimes/internal/lab/emulator/journal"
	"betimes/internal/lab/emulator/metrics"
	"betimes/internal/lab/emulator/reply"
	"betimes/internal/lab/emulator/store"
)

// Alarms is what is asked of CloudWatch.
type Alarms interface {
	Put(t metrics.Threshold) (arn string, err error)
	Delete(names ...string) error
	// Look gives the state of an alarm and the newest value of its metric.
	Look(name string) (state string, value float64, known bool)
}

// Fleet is what is asked of the control plane.
type Fleet interface {
	Capacity(endpoint, variant string) (control.Capacity, bool)
	Resize(endpoint, variant string, count int) error
}

// Deps are what Application Auto Scaling works with.
type Deps struct {
	Region, Account string
	// Periods is how many high-resolution data points of 10 s must breach before a
	// scale-out; AWS does not say. 0: DefaultPeriods.
	Periods int
	Clock   *clock.Clock
	Store   *store.Store
	Alarms  Alarms
	Fleet   Fleet // set before Run
	Journal *journal.Journal
	Log     *slog.Logger
}

// DefaultPeriods is as for the alarms of a minute.
const DefaultPeriods = 3

// Service answers Application Auto Scaling.
type Service struct {
	Deps
	operations map[string]operation
	life       context.Context // ends with Close
	end        context.CancelFunc
	working    sync.WaitGroup

	mu         sync.Mutex
	targets    map[string]*target    // by key
	policies   map[string]*policy    // by ARN
	schedules  map[string]*scheduled // by ARN
	activities []*activity           // newest last
	changing   map[string]bool       // targets whose capacity is being changed, by key
}

type operation func(body []byte) (any, error)

// The store's folders.
const (
	targetKind   = "scalable-target"
	policyKind   = "scaling-policy"
	scheduleKind = "scheduled-action"
	activityKind = "scaling-activity"
)

// New reads what is kept. Run begins with schedules.
func New(d Deps) (*Service, error) {
	s := &Service{Deps: d, changing: map[string]bool{}}
	s.life, s.end = context.WithCancel(context.Background())
	var errs [4]error
	s.targets, errs[0] = store.Load[*target](d.Store, targetKind)
	s.policies, errs[1] = store.Load[*policy](d.Store, policyKind)
	s.schedules, errs[2] = store.Load[*scheduled](d.Store, scheduleKind)
	errs[3] = s.loadActivities()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	s.operations = map[string]operation{
		"RegisterScalableTarget": s.registerTarget, "DescribeScalableTargets": s.describeTargets, "DeregisterScalableTarget": s.deregisterTarget,
		"PutScalingPolicy": s.putPolicy, "DescribeScalingPolicies": s.describePolicies, "DeleteScalingPolicy": s.deletePolicy,
		"PutScheduledAction": s.putSchedule, "DescribeScheduledActions": s.describeSchedules, "DeleteScheduledAction": s.deleteSchedule,
		"DescribeScalingActivities": s.describeActivities,
	}
	return s, nil
}

// Operations are what is built.
func (s *Service) Operations() []string { return slices.Sorted(maps.Keys(s.operations)) }

// TargetPrefix is before the operation in X-Amz-Target.
const TargetPrefix = "AnyScaleFrontendService."

// maxRequestBytes is more than the largest request.
const maxRequestBytes = 1 << 20

// ServeHTTP answers awsJson1.1.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), TargetPrefix)
	reply.Operation{
		Name: name, Resource: "application-autoscaling", Journal: s.Journal,
		Run:     func() (any, error) { return s.call(r, name) },
		Refused: func(err error) *reply.Error { return s.refused(name, err) },
	}.Serve(w)
}

func (s *Service) call(r *http.Request, name string) (any, error) {
	run, ok := s.operations[name]
	if !ok {
		return nil, reply.UnknownOperation(name)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBytes+1))
	if err != nil || len(body) > maxRequestBytes {
		return nil, invalid("The request is larger than %d bytes or could not be read.", maxRequestBytes)
	}
	return run(body)
}

func (s *Service) refused(operation string, err error) *reply.Error {
	e := reply.Refusal(err, s.Log, operation, "InternalServiceException")
	e.Capital = e.Type != "UnknownOperationException"
	return e
}

// Run begins to follow schedules, until Close.
func (s *Service) Run() {
	s.finishActivities()
	s.work(func() {
		last := s.Clock.Now()
		for {
			now := s.Clock.Now()
			if s.Clock.Sleep(s.life, now.Truncate(time.Minute).Add(time.Minute).Sub(now)) != nil {
				return
			}
			now = s.Clock.Now()
			s.runSchedules(last, now)
			last = now
		}
	})
}

// work runs f on a goroutine of the clock.
func (s *Service) work(f func()) {
	s.working.Add(1)
	s.Clock.Go(func() {
		defer s.working.Done()
		f()
	})
}

// Close ends what Run and triggers began.
func (s *Service) Close() {
	s.end()
	s.working.Wait()
}

// Reset empties everything.
func (s *Service) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.targets)
	clear(s.policies)
	clear(s.schedules)
	s.activities = nil
	return errors.Join(s.Store.Clear(targetKind), s.Store.Clear(policyKind), s.Store.Clear(scheduleKind), s.Store.Clear(activityKind))
}

func (s *Service) now() reply.Time { return reply.At(s.Clock.Now().UTC().Truncate(time.Millisecond)) }

func invalid(format string, args ...any) *reply.Error {
	return reply.Modelled("ValidationException", format, args...)
}

func notFound(format string, args ...any) *reply.Error {
	return reply.Modelled("ObjectNotFoundException", format, args...)
}

func tooMany(what string, most int) *reply.Error {
	return reply.Modelled("LimitExceededException", "The limit of %d %s is reached.", most, what)
}
