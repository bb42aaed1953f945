package queues

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/journal"
	"betimes/internal/lab/emulator/reply"
	"betimes/internal/lab/emulator/store"
)

// Deps are what SQS works with.
type Deps struct {
	Region, Account string
	Clock           *clock.Clock
	Store           *store.Store
	Journal         *journal.Journal
	Log             *slog.Logger
}

// Service answers SQS.
type Service struct {
	Deps
	operations map[string]operation
	open       context.Context // ends with Close: nobody waits any longer
	end        context.CancelFunc

	mu     sync.Mutex
	queues map[string]*queue
}

// call is one request; base is where the caller found us, for queue URLs.
type call struct {
	ctx  context.Context
	base string
	body []byte // JSON
}

type operation func(c call) (any, error)

// The kinds in the store.
const (
	queueKind   = "queue"
	messageKind = "queue-message"
)

// New reads what is kept.
func New(d Deps) (*Service, error) {
	s := &Service{Deps: d}
	s.open, s.end = context.WithCancel(context.Background())
	if err := s.load(); err != nil {
		return nil, err
	}
	s.operations = map[string]operation{
		"CreateQueue": s.createQueue, "GetQueueUrl": s.getQueueURL, "ListQueues": s.listQueues, "DeleteQueue": s.deleteQueue, "PurgeQueue": s.purgeQueue,
		"GetQueueAttributes": s.getQueueAttributes, "SetQueueAttributes": s.setQueueAttributes,
		"SendMessage": s.sendMessage, "SendMessageBatch": s.sendMessageBatch, "ReceiveMessage": s.receiveMessage,
		"DeleteMessage": s.deleteMessage, "DeleteMessageBatch": s.deleteMessageBatch, "ChangeMessageVisibility": s.changeMessageVisibility,
	}
	return s, nil
}

// Close lets go of all who wait for messages.
func (s *Service) Close() { s.end() }

// Reset removes all queues.
func (s *Service) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.queues)
	return errors.Join(s.Store.Clear(messageKind), s.Store.Clear(queueKind))
}

// Summary is name → messages, for the state page.
func (s *Service) Summary() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]int{}
	for name, q := range s.queues {
		all[name] = len(q.messages)
	}
	return all
}

// Operations are what is built.
func (s *Service) Operations() []string { return slices.Sorted(maps.Keys(s.operations)) }

// ServeHTTP answers both protocols.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	p := protocolOf(r)
	name, body, err := p.read(r)
	note := journal.Entry{Time: began, Kind: journal.Request, Operation: name, Resource: "sqs", Status: http.StatusOK}
	var answer any
	if err == nil {
		answer, err = s.run(name, call{r.Context(), "http://" + r.Host, body})
	}
	if err == nil {
		err = p.answer(w, name, answer)
	}
	if err != nil {
		refused := reply.Refusal(err, s.Log, name, "InternalFailure")
		note.Status, note.Error = refused.Status, refused.Type
		p.refuse(w, refused)
	}
	note.Micros = time.Since(began).Microseconds()
	s.Journal.Note(note)
}

func (s *Service) run(name string, c call) (any, error) {
	run, ok := s.operations[name]
	if !ok {
		return nil, reply.UnknownOperation(name)
	}
	return run(c)
}

func refuse(kind, format string, args ...any) *reply.Error {
	e := reply.Validation(format, args...)
	e.Type = kind
	return e
}

func noQueue() *reply.Error {
	return refuse("QueueDoesNotExist", "The specified queue does not exist.")
}

// find gives the queue of a URL; s.mu is held.
func (s *Service) find(url string) (*queue, error) {
	if url == "" {
		return nil, refuse("MissingParameter", "The request must contain the parameter QueueUrl.")
	}
	q, ok := s.queues[url[strings.LastIndexByte(url, '/')+1:]]
	if !ok {
		return nil, noQueue()
	}
	return q, nil
}
