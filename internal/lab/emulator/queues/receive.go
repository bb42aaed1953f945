package queues

import (
	"context"
	"encoding/xml"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"betimes/internal/lab/emulator/reply"
)

type receiveRequest struct {
	QueueUrl                    string
	AttributeNames              []string // the older name of MessageSystemAttributeNames
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *number
	VisibilityTimeout           *number
	WaitTimeSeconds             *number
}

func (r *receiveRequest) check() error {
	if err := r.MaxNumberOfMessages.between("MaxNumberOfMessages", 1, 10); err != nil {
		return err
	}
	if err := r.VisibilityTimeout.between("VisibilityTimeout", 0, bounds["VisibilityTimeout"].most); err != nil {
		return err
	}
	return r.WaitTimeSeconds.between("WaitTimeSeconds", 0, 20)
}

type receivedMessage struct {
	MessageId, ReceiptHandle, MD5OfBody, Body string

	Attributes             table      `json:",omitempty" xml:"Attribute"`
	MD5OfMessageAttributes string     `json:",omitempty" xml:",omitempty"`
	MessageAttributes      valueTable `json:",omitempty" xml:"MessageAttribute"`
}

// valueTable is a map of attributes that XML has as flat elements.
type valueTable map[string]attribute

// MarshalXML writes one element with Name and Value for each.
func (t valueTable) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if err := e.EncodeElement(struct {
			Name  string
			Value attribute
		}{name, t[name]}, start); err != nil {
			return err
		}
	}
	return nil
}

type receiveAnswer struct {
	Messages []receivedMessage `json:",omitempty" xml:"Message"`
}

// receiveMessage is ReceiveMessage: with a wait time it waits for the first message.
func (s *Service) receiveMessage(c call) (any, error) {
	var r receiveRequest
	if err := decode(c.body, &r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	var until time.Time
	for {
		got, next, changed, err := s.take(&r)
		if err != nil || len(got) > 0 {
			return receiveAnswer{got}, err
		}
		now := s.Clock.Now()
		if until.IsZero() {
			until = now.Add(s.wait(&r))
		}
		if !now.Before(until) || c.ctx.Err() != nil || s.open.Err() != nil {
			return receiveAnswer{}, nil
		}
		if next.IsZero() || next.After(until) {
			next = until
		}
		s.pause(c.ctx, next.Sub(now), changed)
	}
}

func (s *Service) wait(r *receiveRequest) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	standard := 0
	if q, err := s.find(r.QueueUrl); err == nil {
		standard = q.setting("ReceiveMessageWaitTimeSeconds")
	}
	return time.Duration(r.WaitTimeSeconds.or(standard)) * time.Second
}

// pause waits for d of the emulator's time, or until the queue changed or nobody waits any longer.
func (s *Service) pause(caller context.Context, d time.Duration, changed <-chan struct{}) {
	ctx, cancel := context.WithCancel(caller)
	defer cancel()
	stop := context.AfterFunc(s.open, cancel)
	defer stop()
	slept := make(chan struct{})
	s.Clock.Go(func() {
		defer close(slept)
		_ = s.Clock.Sleep(ctx, d) // the caller looks for itself what there is now
	})
	select {
	case <-changed:
		cancel()
		<-slept
	case <-slept:
	}
}

// take receives what is visible; else it says when the next will be, and gives the channel of changes.
func (s *Service) take(r *receiveRequest) (got []receivedMessage, next time.Time, changed <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(r.QueueUrl)
	if err == nil {
		err = s.retire(q)
	}
	if err != nil {
		return nil, next, nil, err
	}
	now := s.Clock.Now()
	hidden := time.Duration(r.VisibilityTimeout.or(q.setting("VisibilityTimeout"))) * time.Second
	for _, m := range q.messages {
		if m.visible.After(now) {
			if next.IsZero() || m.visible.Before(next) {
				next = m.visible
			}
			continue
		}
		if len(got) == r.MaxNumberOfMessages.or(1) {
			break
		}
		m.received++
		if m.received == 1 {
			m.first = now
		}
		m.receipt, m.visible = m.ID+"#"+reply.ID(), now.Add(hidden)
		got = append(got, s.show(m, r))
	}
	return got, next, q.changed, nil
}

// show is a message as r asks for it.
func (s *Service) show(m *message, r *receiveRequest) receivedMessage {
	shown := receivedMessage{MessageId: m.ID, ReceiptHandle: m.receipt, MD5OfBody: sum(m.Body), Body: m.Body}
	system := map[string]string{
		"SenderId": "AIDABETIMES", "SentTimestamp": strconv.FormatInt(m.Sent.UnixMilli(), 10),
		"ApproximateReceiveCount": strconv.Itoa(m.received), "ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10),
	}
	asked := slices.Concat(r.AttributeNames, r.MessageSystemAttributeNames)
	maps.DeleteFunc(system, func(name, _ string) bool { return !slices.Contains(asked, "All") && !slices.Contains(asked, name) })
	if len(system) > 0 {
		shown.Attributes = system
	}
	own := maps.Clone(m.Attributes)
	maps.DeleteFunc(own, func(name string, _ attribute) bool { return !wanted(r.MessageAttributeNames, name) })
	if len(own) > 0 {
		shown.MessageAttributes, shown.MD5OfMessageAttributes = own, sumOf(own)
	}
	return shown
}

// wanted knows All, .*, bar.* and full names.
func wanted(asked []string, name string) bool {
	for _, a := range asked {
		prefix, open := strings.CutSuffix(a, ".*")
		if a == "All" || a == name || open && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// deleteMessage is DeleteMessage; a message that is gone is no error.
func (s *Service) deleteMessage(c call) (any, error) {
	var r struct{ QueueUrl, ReceiptHandle string }
	if err := decode(c.body, &r); err != nil {
		return nil, err
	}
	return s.with(c, func(q *queue) error { return s.remove(q, r.ReceiptHandle) })
}

// remove deletes by receipt; an older receipt of the same message deletes it too, as standard queues mostly do. s.mu is held.
func (s *Service) remove(q *queue, receipt string) error {
	id, err := idOf(receipt)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(q.messages, func(m *message) bool { return m.ID == id })
	if at < 0 {
		return nil
	}
	return s.forget(q, at)
}

func idOf(receipt string) (string, error) {
	id, rest, ok := strings.Cut(receipt, "#")
	if !ok || len(id) != len(rest) {
		return "", refuse("ReceiptHandleIsInvalid", "The input receipt handle \"%s\" is not a valid receipt handle.", receipt)
	}
	return id, nil
}

// changeMessageVisibility is ChangeMessageVisibility.
func (s *Service) changeMessageVisibility(c call) (any, error) {
	var r struct {
		ReceiptHandle     string
		VisibilityTimeout *number
	}
	if err := decode(c.body, &r); err != nil {
		return nil, err
	}
	if r.VisibilityTimeout == nil {
		return nil, refuse("MissingParameter", "The request must contain the parameter VisibilityTimeout.")
	}
	if err := r.VisibilityTimeout.between("VisibilityTimeout", 0, bounds["VisibilityTimeout"].most); err != nil {
		return nil, err
	}
	id, err := idOf(r.ReceiptHandle)
	if err != nil {
		return nil, err
	}
	return s.with(c, func(q *queue) error {
		now := s.Clock.Now()
		at := slices.IndexFunc(q.messages, func(m *message) bool { return m.ID == id && m.receipt == r.ReceiptHandle && m.visible.After(now) })
		if at < 0 {
			return refuse("MessageNotInflight", "The specified message isn't in flight.")
		}
		q.messages[at].visible = now.Add(time.Duration(*r.VisibilityTimeout) * time.Second)
		q.stir()
		return nil
	})
}
