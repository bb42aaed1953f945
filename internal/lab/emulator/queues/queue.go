package queues

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"betimes/internal/lab/emulator/store"
)

// queue is one queue; its messages are in the order in which they came.
type queue struct {
	Name       string            `json:"name"`
	Attributes map[string]string `json:"attributes"` // only what was set
	Created    time.Time         `json:"created"`
	Modified   time.Time         `json:"modified"`

	messages []*message
	changed  chan struct{} // closed when a message may have become visible
}

// message is one message; what is not kept begins anew after a restart.
type message struct {
	ID         string               `json:"id"`
	Queue      string               `json:"queue"`
	Body       string               `json:"body"`
	Attributes map[string]attribute `json:"attributes,omitempty"`
	Sent       time.Time            `json:"sent"`
	From       time.Time            `json:"from"`  // not visible before: its delay
	Order      int64                `json:"order"` // breaks ties of Sent

	visible  time.Time // when it may be received (again)
	first    time.Time // received
	received int
	receipt  string // of the newest receive
}

// bound is a number that a queue can be given, in the units of SQS.
type bound struct{ standard, least, most int }

var bounds = map[string]bound{
	"VisibilityTimeout":             {30, 0, 43200},
	"DelaySeconds":                  {0, 0, 900},
	"MaximumMessageSize":            {1048576, 1024, 1048576},
	"MessageRetentionPeriod":        {345600, 60, 1209600},
	"ReceiveMessageWaitTimeSeconds": {0, 0, 20},
}

// accepted are attributes that are kept and given back, and do nothing here.
var accepted = []string{"Policy", "SqsManagedSseEnabled", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "RedriveAllowPolicy"}

func checkAttributes(all map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b, numeric := bounds[name]
		n, err := strconv.Atoi(all[name])
		switch {
		case numeric && (err != nil || n < b.least || n > b.most):
			return refuse("InvalidAttributeValue", "Invalid value for the parameter %s.", name)
		case numeric || slices.Contains(accepted, name):
		case name == "FifoQueue" || name == "RedrivePolicy" || name == "ContentBasedDeduplication":
			return refuse("UnsupportedOperation", "%s is not built in this emulator yet; leave it out.", name)
		default:
			return refuse("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	}
	return nil
}

// setting is a number of the queue.
func (q *queue) setting(name string) int {
	if n, err := strconv.Atoi(q.Attributes[name]); err == nil {
		return n
	}
	return bounds[name].standard
}

func (q *queue) seconds(name string) time.Duration {
	return time.Duration(q.setting(name)) * time.Second
}

// stir wakes all who wait.
func (q *queue) stir() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// load reads queues and messages.
func (s *Service) load() error {
	var err error
	if s.queues, err = store.Load[*queue](s.Store, queueKind); err != nil {
		return err
	}
	for _, q := range s.queues {
		q.changed = make(chan struct{})
	}
	kept, err := store.Load[*message](s.Store, messageKind)
	if err != nil {
		return err
	}
	for name, m := range kept {
		q, ok := s.queues[m.Queue]
		if !ok { // killed while the queue was deleted
			if err := s.Store.Delete(messageKind, name); err != nil {
				return err
			}
			continue
		}
		m.visible = m.From
		q.messages = append(q.messages, m)
	}
	for _, q := range s.queues {
		slices.SortFunc(q.messages, func(a, b *message) int {
			if c := a.Sent.Compare(b.Sent); c != 0 {
				return c
			}
			return int(a.Order - b.Order)
		})
	}
	return nil
}

// retire forgets what is older than the queue keeps; s.mu is held.
func (s *Service) retire(q *queue) error {
	oldest := s.Clock.Now().Add(-q.seconds("MessageRetentionPeriod"))
	for len(q.messages) > 0 && q.messages[0].Sent.Before(oldest) {
		if err := s.forget(q, 0); err != nil {
			return err
		}
	}
	return nil
}

// forget removes a message; s.mu is held.
func (s *Service) forget(q *queue, at int) error {
	if err := s.Store.Delete(messageKind, q.messages[at].ID); err != nil {
		return fmt.Errorf("queue %s: %w", q.Name, err)
	}
	q.messages = slices.Delete(q.messages, at, at+1)
	return nil
}

// ARN is a queue's.
func (s *Service) ARN(name string) string {
	return "arn:aws:sqs:" + s.Region + ":" + s.Account + ":" + name
}

func (s *Service) url(base, name string) string { return base + "/" + s.Account + "/" + name }

// Exists says whether an ARN is that of a queue here.
func (s *Service) Exists(arn string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := arn[strings.LastIndexByte(arn, ':')+1:]
	_, ok := s.queues[name]
	return ok && s.ARN(name) == arn
}
