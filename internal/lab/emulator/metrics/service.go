package metrics

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/journal"
	"betimes/internal/lab/emulator/reply"
	"betimes/internal/lab/emulator/store"
)

// Deps are what CloudWatch works with.
type Deps struct {
	Region, Account string
	Dir             string // of the log of data points; made when missing
	Clock           *clock.Clock
	Store           *store.Store
	Journal         *journal.Journal
	Log             *slog.Logger
	Delay           time.Duration // until a data point counts for alarms
	// Act is told that an alarm has changed, once per action; may be nil. It must not wait.
	Act func(action string, n Notice)
}

// Service answers CloudWatch.
type Service struct {
	Deps
	operations map[string]operation
	meters     meters
	ticking    context.Context // ends with Close
	end        context.CancelFunc
	working    sync.WaitGroup

	mu      sync.Mutex
	metrics map[string]*metric
	kept    *logbook
	alarms  map[string]*alarm
}

type operation func(body []byte) (object, error)

// New reads what is kept. Run begins to evaluate.
func New(d Deps) (*Service, error) {
	s := &Service{Deps: d, metrics: map[string]*metric{}}
	s.ticking, s.end = context.WithCancel(context.Background())
	var err error
	if s.alarms, err = store.Load[*alarm](d.Store, alarmKind); err != nil {
		return nil, err
	}
	if s.kept, err = openLogbook(d.Dir, d.Clock.Now(), s.remember); err != nil {
		return nil, err
	}
	s.operations = map[string]operation{
		"PutMetricData": s.putMetricData, "GetMetricData": s.getMetricData, "GetMetricStatistics": s.getMetricStatistics, "ListMetrics": s.listMetrics,
		"PutMetricAlarm": s.putMetricAlarm, "DescribeAlarms": s.describeAlarms, "DeleteAlarms": s.deleteAlarms,
		"SetAlarmState": s.setAlarmState, "DescribeAlarmHistory": s.describeAlarmHistory,
		"EnableAlarmActions": s.enableAlarmActions, "DisableAlarmActions": s.disableAlarmActions,
	}
	return s, nil
}

// Operations are what is built.
func (s *Service) Operations() []string { return slices.Sorted(maps.Keys(s.operations)) }

// ServeHTTP answers all three protocols.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	p := protocolOf(r)
	body, err := read(r)
	if err == nil {
		body, err = p.request(body)
	}
	name := p.operation(r)
	note := journal.Entry{Time: began, Kind: journal.Request, Operation: name, Resource: "cloudwatch", Status: http.StatusOK}
	var answer object
	if err == nil {
		answer, err = s.call(name, body)
	}
	if err == nil {
		err = p.answer(w, name, answer)
	}
	if err != nil {
		refused := reply.Refusal(err, s.Log, name, "InternalServiceFault")
		note.Status, note.Error = refused.Status, refused.Type
		p.refuse(w, refused)
	}
	note.Micros = time.Since(began).Microseconds()
	s.Journal.Note(note)
}

func (s *Service) call(name string, body []byte) (object, error) {
	run, ok := s.operations[name]
	if !ok {
		return nil, reply.UnknownOperation(name)
	}
	return run(body)
}

// tick is how often meters are read and high-resolution alarms evaluated.
const tick = 10 * time.Second

// Run begins to read meters and to evaluate alarms, until Close.
func (s *Service) Run() {
	s.working.Add(1)
	s.Clock.Go(func() {
		defer s.working.Done()
		for {
			now := s.Clock.Now()
			if s.Clock.Sleep(s.ticking, now.Truncate(tick).Add(tick).Sub(now)) != nil {
				return
			}
			s.collect(true)
			s.evaluateAll(s.Clock.Now().Truncate(tick))
		}
	})
}

// Close ends what Run began and closes the log of data points.
func (s *Service) Close() {
	s.end()
	s.working.Wait()
	s.collect(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.kept.close(); err != nil {
		s.Log.Error("data points not kept", "error", err)
	}
}

// Reset empties everything.
func (s *Service) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.metrics)
	clear(s.alarms)
	s.meters.clear()
	return errors.Join(s.kept.clear(), s.Store.Clear(alarmKind))
}

// invalid is the error of a value that cannot be.
func invalid(format string, args ...any) *reply.Error {
	e := reply.Validation(format, args...)
	e.Type = "InvalidParameterValueException"
	return e
}

// combination is the error of members that cannot be together.
func combination(format string, args ...any) *reply.Error {
	e := reply.Validation(format, args...)
	e.Type = "InvalidParameterCombinationException"
	return e
}

// missing is the error of a member that must be there.
func missing(member string) *reply.Error {
	e := reply.Validation("The parameter %s is required.", member)
	e.Type = "MissingRequiredParameterException"
	return e
}

func notBuilt(what string) error {
	return reply.Validation("%s is not built in this emulator yet; leave it out", what)
}
