package queues

import (
	"encoding/xml"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

type createRequest struct {
	QueueName  string
	Attributes map[string]string
}

type queueURL struct {
	QueueUrl string
}

var queueName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,80}$`)

// createQueue is CreateQueue; the same queue again is no error.
func (s *Service) createQueue(c call) (any, error) {
	var r createRequest
	if err := decode(c.body, &r); err != nil {
		return nil, err
	}
	if strings.HasSuffix(r.QueueName, ".fifo") {
		return nil, refuse("UnsupportedOperation", "FIFO queues are not built in this emulator yet; use a standard queue.")
	}
	if !queueName.MatchString(r.QueueName) {
		return nil, refuse("InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	if err := checkAttributes(r.Attributes); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if q, ok := s.queues[r.QueueName]; ok {
		for name, v := range r.Attributes {
			if s.attributes(q)[name] != v {
				return nil, refuse("QueueNameExists", "A queue already exists with the same name and a different value for attribute %s", name)
			}
		}
		return queueURL{s.url(c.base, q.Name)}, nil
	}
	now := s.Clock.Now().UTC()
	q := &queue{Name: r.QueueName, Attributes: maps.Clone(r.Attributes), Created: now, Modified: now, changed: make(chan struct{})}
	if err := s.Store.Put(queueKind, q.Name, q); err != nil {
		return nil, err
	}
	s.queues[q.Name] = q
	return queueURL{s.url(c.base, q.Name)}, nil
}

// getQueueURL is GetQueueUrl.
func (s *Service) getQueueURL(c call) (any, error) {
	var r struct{ QueueName, QueueOwnerAWSAccountId string }
	if err := decode(c.body, &r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.queues[r.QueueName]; !ok || r.QueueOwnerAWSAccountId != "" && r.QueueOwnerAWSAccountId != s.Account {
		return nil, noQueue()
	}
	return queueURL{s.url(c.base, r.QueueName)}, nil
}

type listAnswer struct {
	QueueUrls []string `json:",omitempty" xml:"QueueUrl"`
	NextToken string   `json:",omitempty" xml:",omitempty"`
}

// listQueues is ListQueues; the token is the name of the last queue told.
func (s *Service) listQueues(c call) (any, error) {
	var r struct {
		QueueNamePrefix, NextToken string
		MaxResults                 *number
	}
	if err := decode(c.body, &r); err != nil {
		return nil, err
	}
	if err := r.MaxResults.between("MaxResults", 1, 1000); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var a listAnswer
	last := ""
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if !strings.HasPrefix(name, r.QueueNamePrefix) || name <= r.NextToken {
			continue
		}
		if len(a.QueueUrls) == r.MaxResults.or(1000) {
			if r.MaxResults != nil { // without it SQS gives no token
				a.NextToken = last
			}
			break
		}
		a.QueueUrls, last = append(a.QueueUrls, s.url(c.base, name)), name
	}
	return a, nil
}

// deleteQueue is DeleteQueue.
func (s *Service) deleteQueue(c call) (any, error) {
	return s.with(c, func(q *queue) error {
		if err := s.Store.Delete(queueKind, q.Name); err != nil {
			return err
		}
		delete(s.queues, q.Name)
		q.stir()
		return s.empty(q) // what a kill leaves of it, load removes
	})
}

// purgeQueue is PurgeQueue.
func (s *Service) purgeQueue(c call) (any, error) { return s.with(c, s.empty) }

// with runs f on the queue of the request, under the lock; there is nothing to answer.
func (s *Service) with(c call, f func(q *queue) error) (any, error) {
	var r queueURL
	if err := decode(c.body, &r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(r.QueueUrl)
	if err == nil {
		err = f(q)
	}
	return nil, err
}

func (s *Service) empty(q *queue) error {
	for len(q.messages) > 0 {
		if err := s.forget(q, len(q.messages)-1); err != nil {
			return err
		}
	}
	return nil
}

// attributes are all of a queue; s.mu is held.
func (s *Service) attributes(q *queue) map[string]string {
	all := map[string]string{"QueueArn": s.ARN(q.Name), "SqsManagedSseEnabled": "true",
		"CreatedTimestamp": strconv.FormatInt(q.Created.Unix(), 10), "LastModifiedTimestamp": strconv.FormatInt(q.Modified.Unix(), 10)}
	for name, b := range bounds {
		all[name] = strconv.Itoa(b.standard)
	}
	maps.Copy(all, q.Attributes)
	visible, hidden, delayed := 0, 0, 0
	now := s.Clock.Now()
	for _, m := range q.messages {
		switch {
		case m.From.After(now):
			delayed++
		case m.visible.After(now):
			hidden++
		default:
			visible++
		}
	}
	all["ApproximateNumberOfMessages"] = strconv.Itoa(visible)
	all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(hidden)
	all["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(delayed)
	return all
}

// table is a map that XML has as flat elements.
type table map[string]string

// MarshalXML writes one element with Name and Value for each.
func (t table) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if err := e.EncodeElement(struct{ Name, Value string }{name, t[name]}, start); err != nil {
			return err
		}
	}
	return nil
}

type attributesAnswer struct {
	Attributes table `json:",omitempty" xml:"Attribute"`
}

// getQueueAttributes is GetQueueAttributes.
func (s *Service) getQueueAttributes(c call) (any, error) {
	var r struct {
		QueueUrl       string
		AttributeNames []string
	}
	if err := decode(c.body, &r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(r.QueueUrl)
	if err == nil {
		err = s.retire(q)
	}
	if err != nil {
		return nil, err
	}
	all := s.attributes(q)
	if !slices.Contains(r.AttributeNames, "All") {
		for _, name := range r.AttributeNames {
			if _, ok := all[name]; !ok && !slices.Contains(accepted, name) && name != "RedrivePolicy" && name != "FifoQueue" {
				return nil, refuse("InvalidAttributeName", "Unknown Attribute %s.", name)
			}
		}
		maps.DeleteFunc(all, func(name, _ string) bool { return !slices.Contains(r.AttributeNames, name) })
	}
	return attributesAnswer{all}, nil
}

// setQueueAttributes is SetQueueAttributes.
func (s *Service) setQueueAttributes(c call) (any, error) {
	var r struct{ Attributes map[string]string }
	if err := decode(c.body, &r); err != nil {
		return nil, err
	}
	if err := checkAttributes(r.Attributes); err != nil {
		return nil, err
	}
	return s.with(c, func(q *queue) error {
		changed := *q
		changed.Attributes, changed.Modified = maps.Clone(q.Attributes), s.Clock.Now().UTC()
		if changed.Attributes == nil {
			changed.Attributes = map[string]string{}
		}
		maps.Copy(changed.Attributes, r.Attributes)
		if err := s.Store.Put(queueKind, q.Name, &changed); err != nil {
			return err
		}
		q.Attributes, q.Modified = changed.Attributes, changed.Modified
		return nil
	})
}
