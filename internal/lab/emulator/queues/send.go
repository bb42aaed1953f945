package queues

import (
	"crypto/md5" //nolint:gosec // the checksum that SQS has
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	"betimes/internal/lab/emulator/reply"
)

// attribute is a value beside a message.
type attribute struct {
	DataType    string
	StringValue string `json:",omitempty" xml:",omitempty"`
	BinaryValue []byte `json:",omitempty" xml:",omitempty"`
}

type sendRequest struct {
	QueueUrl          string
	Id                string // in a batch
	MessageBody       string
	DelaySeconds      *number
	MessageAttributes map[string]attribute
	MessageGroupId    string
}

type sendAnswer struct {
	Id                     string `json:",omitempty" xml:",omitempty"`
	MessageId              string
	MD5OfMessageBody       string
	MD5OfMessageAttributes string `json:",omitempty" xml:",omitempty"`
}

// sendMessage is SendMessage.
func (s *Service) sendMessage(c call) (any, error) {
	var r sendRequest
	if err := decode(c.body, &r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(r.QueueUrl)
	if err != nil {
		return nil, err
	}
	return s.accept(q, &r)
}

// Send puts a body into the queue of an ARN, for topics.
func (s *Service) Send(arn, body string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, ok := s.queues[arn[strings.LastIndexByte(arn, ':')+1:]]
	if !ok || s.ARN(q.Name) != arn {
		return noQueue()
	}
	_, err := s.accept(q, &sendRequest{MessageBody: body})
	return err
}

// accept checks, keeps and queues a message; s.mu is held.
func (s *Service) accept(q *queue, r *sendRequest) (*sendAnswer, error) {
	if err := r.check(q); err != nil {
		return nil, err
	}
	now := s.Clock.Now().UTC()
	m := &message{ID: reply.ID(), Queue: q.Name, Body: r.MessageBody, Attributes: r.MessageAttributes, Sent: now}
	m.From = now.Add(time.Duration(r.DelaySeconds.or(q.setting("DelaySeconds"))) * time.Second)
	m.visible = m.From
	if last := len(q.messages) - 1; last >= 0 {
		m.Order = q.messages[last].Order + 1
	}
	if err := s.Store.Put(messageKind, m.ID, m); err != nil {
		return nil, err
	}
	q.messages = append(q.messages, m)
	q.stir()
	return &sendAnswer{Id: r.Id, MessageId: m.ID, MD5OfMessageBody: sum(m.Body), MD5OfMessageAttributes: sumOf(m.Attributes)}, nil
}

func (r *sendRequest) check(q *queue) error {
	size := len(r.MessageBody)
	for name, a := range r.MessageAttributes {
		size += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
		kind, _, _ := strings.Cut(a.DataType, ".")
		if kind != "String" && kind != "Number" && kind != "Binary" {
			return refuse("InvalidParameterValue", "The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
		}
		if kind == "Binary" && len(a.BinaryValue) == 0 || kind != "Binary" && a.StringValue == "" {
			return refuse("InvalidParameterValue", "The message attribute '%s' must contain a non-empty value of type %s.", name, kind)
		}
	}
	switch most := q.setting("MaximumMessageSize"); {
	case r.MessageBody == "":
		return refuse("MissingParameter", "The request must contain the parameter MessageBody.")
	case len(r.MessageAttributes) > 10:
		return refuse("InvalidParameterValue", "Number of message attributes [%d] exceeds the allowed maximum [10].", len(r.MessageAttributes))
	case size > most:
		return refuse("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", most)
	}
	return r.DelaySeconds.between("DelaySeconds", 0, 900)
}

func sum(text string) string {
	h := md5.Sum([]byte(text))
	return hex.EncodeToString(h[:])
}

// sumOf is SQS's checksum of attributes: name, type and value in order of names,
// each with its length before it.
func sumOf(all map[string]attribute) string {
	if len(all) == 0 {
		return ""
	}
	var text []byte
	add := func(v string) {
		text = append(binary.BigEndian.AppendUint32(text, uint32(len(v))), v...)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		a := all[name]
		add(name)
		add(a.DataType)
		if strings.HasPrefix(a.DataType, "Binary") {
			text = append(text, 2)
			add(string(a.BinaryValue))
			continue
		}
		text = append(text, 1)
		add(a.StringValue)
	}
	return sum(string(text))
}
