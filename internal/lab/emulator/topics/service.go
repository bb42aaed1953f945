package topics

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
	"betimes/internal/lab/emulator/form"
	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
	"betimes/internal/lab/emulator/reply"
	"betimes/internal/lab/emulator/store"
)

// Queues is where notifications for queues go.
type Queues interface {
	// Exists says whether an ARN is that of a queue.
	Exists(arn string) bool
	// Send puts a body into the queue of an ARN.
	Send(arn, body string) error
}

// Deps are what SNS works with.
type Deps struct {
	Region, Account string
	Anywhere        bool // HTTP subscribers on other machines too
	Clock           *clock.Clock
	Store           *store.Store
	Journal         *journal.Journal
	Faults          *injection.Book
	Queues          Queues
	Log             *slog.Logger
}

// Service answers SNS.
type Service struct {
	Deps
	operations map[string]operation
	client     *http.Client
	open       context.Context // ends with Close
	end        context.CancelFunc
	working    sync.WaitGroup

	mu            sync.Mutex
	self          string // URL of the emulator, for links in notifications
	closed        bool
	topics        map[string]*topic        // by name
	subscriptions map[string]*subscription // by id
	pending       map[string]*delivery     // by id
}

type operation func(f form.Form) (any, error)

// The kinds in the store.
const (
	topicKind        = "topic"
	subscriptionKind = "subscription"
	deliveryKind     = "topic-delivery"
)

// New reads what is kept. Run begins to deliver.
func New(d Deps) (*Service, error) {
	s := &Service{Deps: d, client: newClient(d.Anywhere)}
	s.open, s.end = context.WithCancel(context.Background())
	var err error
	if s.topics, err = store.Load[*topic](d.Store, topicKind); err != nil {
		return nil, err
	}
	if s.subscriptions, err = store.Load[*subscription](d.Store, subscriptionKind); err != nil {
		return nil, err
	}
	if s.pending, err = store.Load[*delivery](d.Store, deliveryKind); err != nil {
		return nil, err
	}
	s.operations = map[string]operation{
		"CreateTopic": s.createTopic, "DeleteTopic": s.deleteTopic, "ListTopics": s.listTopics, "GetTopicAttributes": s.getTopicAttributes, "SetTopicAttributes": s.setTopicAttributes,
		"Subscribe": s.subscribe, "ConfirmSubscription": s.confirmSubscription, "Unsubscribe": s.unsubscribe,
		"ListSubscriptions": s.listSubscriptions, "ListSubscriptionsByTopic": s.listSubscriptionsByTopic,
		"GetSubscriptionAttributes": s.getSubscriptionAttributes, "SetSubscriptionAttributes": s.setSubscriptionAttributes,
		"Publish": s.publish,
	}
	return s, nil
}

// Run delivers what an earlier run has left; self is the emulator's URL.
func (s *Service) Run(self string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.self = self
	for _, d := range s.pending {
		s.start(d)
	}
}

// Close ends deliveries; those that are not done stay kept.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.working.Wait()
	s.client.CloseIdleConnections()
}

// Reset removes all topics, subscriptions and deliveries.
func (s *Service) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.topics)
	clear(s.subscriptions)
	clear(s.pending)
	return errors.Join(s.Store.Clear(deliveryKind), s.Store.Clear(subscriptionKind), s.Store.Clear(topicKind))
}

// Summary is name → subscriptions, for the state page.
func (s *Service) Summary() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]int{}
	for name := range s.topics {
		all[name] = len(s.of(name))
	}
	return all
}

const xmlSpace = "http://sns.amazonaws.com/doc/" + Version + "/"

// Version is how forms of SNS say that they are.
const Version = "2010-03-31"

// Operations are what is built.
func (s *Service) Operations() []string { return slices.Sorted(maps.Keys(s.operations)) }

// Refuse answers with an error that came up before the request was looked at.
func Refuse(w http.ResponseWriter, e *reply.Error) { form.Refuse(w, xmlSpace, e) }

// ServeHTTP answers the Query protocol; links in notifications are GETs.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	f, err := form.Read(r)
	name := f["Action"]
	note := journal.Entry{Time: began, Kind: journal.Request, Operation: name, Resource: "sns", Status: http.StatusOK}
	var answer any
	if err == nil {
		answer, err = s.run(name, f)
	}
	if err == nil {
		err = form.Answer(w, xmlSpace, name, answer)
	}
	if err != nil {
		refused := reply.Refusal(err, s.Log, name, "InternalError")
		note.Status, note.Error = refused.Status, refused.Type
		form.Refuse(w, xmlSpace, refused)
	}
	note.Micros = time.Since(began).Microseconds()
	s.Journal.Note(note)
}

func (s *Service) run(name string, f form.Form) (any, error) {
	run, ok := s.operations[name]
	if !ok {
		return nil, refuse("InvalidAction", "The operation %q is not known to this emulator.", name)
	}
	return run(f)
}

func refuse(kind, format string, args ...any) *reply.Error {
	e := reply.Validation(format, args...)
	e.Type = kind
	return e
}

func invalid(format string, args ...any) *reply.Error {
	return refuse("InvalidParameter", "Invalid parameter: "+format, args...)
}

func missing(what string) *reply.Error {
	e := refuse("NotFound", "%s does not exist", what)
	e.Status = http.StatusNotFound
	return e
}

func notBuilt(what string) *reply.Error {
	return invalid("%s is not built in this emulator yet; leave it out", what)
}
