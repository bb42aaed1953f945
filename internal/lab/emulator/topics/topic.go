package topics

import (
	"encoding/json"
	"encoding/xml"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"betimes/internal/lab/emulator/form"
)

type topic struct {
	Name       string            `json:"name"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// ARN is a topic's.
func (s *Service) ARN(name string) string {
	return "arn:aws:sns:" + s.Region + ":" + s.Account + ":" + name
}

// find gives the topic of an ARN; s.mu is held.
func (s *Service) find(arn string) (*topic, error) {
	if arn == "" {
		return nil, invalid("TopicArn Reason: no value for required parameter")
	}
	name, ok := strings.CutPrefix(arn, s.ARN(""))
	if !ok && !topicARN.MatchString(arn) {
		return nil, invalid("TopicArn")
	}
	t := s.topics[name]
	if !ok || t == nil {
		return nil, missing("Topic")
	}
	return t, nil
}

var (
	topicName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,256}$`)
	topicARN  = regexp.MustCompile(`^arn:aws[a-z\-]*:sns:[a-z0-9\-]*:[0-9]{12}:[a-zA-Z0-9_.-]+$`)
)

// topicAttributes may be set; they are kept and given back.
var topicAttributes = []string{"DisplayName", "Policy", "DeliveryPolicy", "KmsMasterKeyId", "TracingConfig", "SignatureVersion"}

func checkAttribute(name string) error {
	if slices.Contains(topicAttributes, name) {
		return nil
	}
	return notBuilt("the topic attribute " + name)
}

type topicMember struct {
	TopicArn string
}

// createTopic is CreateTopic; the same topic again is no error.
func (s *Service) createTopic(f form.Form) (any, error) {
	name := f["Name"]
	if strings.HasSuffix(name, ".fifo") {
		return nil, notBuilt("a FIFO topic")
	}
	if !topicName.MatchString(name) {
		return nil, invalid("Topic Name")
	}
	attributes := f.Pairs("Attributes.entry", "key", "value")
	for _, a := range slices.Sorted(maps.Keys(attributes)) {
		if err := checkAttribute(a); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.topics[name]; t != nil {
		for a, v := range attributes {
			if t.Attributes[a] != v {
				return nil, invalid("Attributes Reason: Topic already exists with different attributes")
			}
		}
		return topicMember{s.ARN(name)}, nil
	}
	t := &topic{Name: name, Attributes: attributes}
	if err := s.Store.Put(topicKind, name, t); err != nil {
		return nil, err
	}
	s.topics[name] = t
	return topicMember{s.ARN(name)}, nil
}

// deleteTopic is DeleteTopic; its subscriptions go with it. A topic that is gone is no error.
func (s *Service) deleteTopic(f form.Form) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, ok := strings.CutPrefix(f["TopicArn"], s.ARN(""))
	if !ok || s.topics[name] == nil {
		if topicARN.MatchString(f["TopicArn"]) {
			return nil, nil
		}
		return nil, invalid("TopicArn")
	}
	for _, sub := range s.of(name) {
		if err := s.drop(sub); err != nil {
			return nil, err
		}
	}
	if err := s.Store.Delete(topicKind, name); err != nil {
		return nil, err
	}
	delete(s.topics, name)
	return nil, nil
}

// pageSize is how many members a list of SNS has.
const pageSize = 100

// page cuts what follows the token out of sorted names; next is empty at the end.
func page(names []string, token string) (cut []string, next string) {
	at, found := slices.BinarySearch(names, token)
	if found {
		at++
	}
	cut = names[at:]
	if len(cut) > pageSize {
		cut = cut[:pageSize]
		next = cut[pageSize-1]
	}
	return cut, next
}

type topicList struct {
	Topics    []topicMember `xml:"Topics>member"`
	NextToken string        `xml:",omitempty"`
}

// listTopics is ListTopics.
func (s *Service) listTopics(f form.Form) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names, next := page(slices.Sorted(maps.Keys(s.topics)), f["NextToken"])
	list := topicList{NextToken: next}
	for _, name := range names {
		list.Topics = append(list.Topics, topicMember{s.ARN(name)})
	}
	return list, nil
}

// table is a map as SNS writes it: entries with key and value.
type table map[string]string

// MarshalXML writes the entries in order.
func (t table) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	all := make([]form.Entry, 0, len(t))
	for _, name := range slices.Sorted(maps.Keys(t)) {
		all = append(all, form.Entry{Key: name, Value: t[name]})
	}
	return e.EncodeElement(struct {
		Entries []form.Entry `xml:"entry"`
	}{all}, start)
}

type attributesAnswer struct {
	Attributes table
}

// getTopicAttributes is GetTopicAttributes.
func (s *Service) getTopicAttributes(f form.Form) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(f["TopicArn"])
	if err != nil {
		return nil, err
	}
	confirmed, pending := 0, 0
	for _, sub := range s.of(t.Name) {
		if sub.Confirmed {
			confirmed++
		} else {
			pending++
		}
	}
	arn := s.ARN(t.Name)
	policy, _ := json.Marshal(map[string]any{"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": []any{map[string]any{ // texts always marshal
		"Sid": "__default_statement_ID", "Effect": "Allow", "Principal": map[string]string{"AWS": "*"}, "Action": []string{"SNS:Publish", "SNS:Subscribe"}, "Resource": arn}}})
	all := table{"TopicArn": arn, "Owner": s.Account, "DisplayName": "", "Policy": string(policy),
		"SubscriptionsConfirmed": strconv.Itoa(confirmed), "SubscriptionsPending": strconv.Itoa(pending), "SubscriptionsDeleted": "0"}
	maps.Copy(all, t.Attributes)
	return attributesAnswer{all}, nil
}

// setTopicAttributes is SetTopicAttributes.
func (s *Service) setTopicAttributes(f form.Form) (any, error) {
	if err := checkAttribute(f["AttributeName"]); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(f["TopicArn"])
	if err != nil {
		return nil, err
	}
	changed := &topic{Name: t.Name, Attributes: map[string]string{}}
	maps.Copy(changed.Attributes, t.Attributes)
	changed.Attributes[f["AttributeName"]] = f["AttributeValue"]
	if err := s.Store.Put(topicKind, t.Name, changed); err != nil {
		return nil, err
	}
	s.topics[t.Name] = changed
	return nil, nil
}
