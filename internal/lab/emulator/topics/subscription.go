package topics

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"betimes/internal/lab/emulator/form"
	"betimes/internal/lab/emulator/reply"
)

type subscription struct {
	ID        string `json:"id"`
	Topic     string `json:"topic"` // its name
	Protocol  string `json:"protocol"`
	Endpoint  string `json:"endpoint"`
	Token     string `json:"token"` // to confirm with
	Confirmed bool   `json:"confirmed"`
	Raw       bool   `json:"raw"` // RawMessageDelivery
}

func (s *Service) arnOf(sub *subscription) string { return s.ARN(sub.Topic) + ":" + sub.ID }

const pendingARN = "PendingConfirmation"

// of gives the subscriptions of a topic, in order of their ids; s.mu is held.
func (s *Service) of(name string) []*subscription {
	var all []*subscription
	for _, id := range slices.Sorted(maps.Keys(s.subscriptions)) {
		if s.subscriptions[id].Topic == name {
			all = append(all, s.subscriptions[id])
		}
	}
	return all
}

func (s *Service) drop(sub *subscription) error {
	if err := s.Store.Delete(subscriptionKind, sub.ID); err != nil {
		return err
	}
	delete(s.subscriptions, sub.ID)
	return nil
}

func (s *Service) keep(sub *subscription) error {
	if err := s.Store.Put(subscriptionKind, sub.ID, sub); err != nil {
		return err
	}
	s.subscriptions[sub.ID] = sub
	return nil
}

// checkEndpoint refuses what cannot be delivered to.
func (s *Service) checkEndpoint(protocol, endpoint string) error {
	switch protocol {
	case "sqs":
		if !s.Queues.Exists(endpoint) {
			return invalid("SQS endpoint ARN: there is no queue %s", endpoint)
		}
		return nil
	case "http", "https":
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != protocol || u.Host == "" {
			return invalid("Endpoint must match the specified protocol")
		}
		if !s.Anywhere && !named(u.Hostname()) {
			return invalid("Endpoint %s is not on this machine; the emulator's setting subscribers: any allows it", u.Host)
		}
		return nil
	case "email", "email-json", "sms", "application", "lambda", "firehose":
		return notBuilt("the protocol " + protocol)
	}
	return invalid("Amazon SNS does not support this protocol string: %s", protocol)
}

type subscribed struct {
	SubscriptionArn string
}

// subscribe is Subscribe; the same subscription again is that one.
func (s *Service) subscribe(f form.Form) (any, error) {
	sub := &subscription{ID: reply.ID(), Protocol: f["Protocol"], Endpoint: f["Endpoint"], Token: reply.ID() + reply.ID()}
	if err := s.checkEndpoint(sub.Protocol, sub.Endpoint); err != nil {
		return nil, err
	}
	attributes := f.Pairs("Attributes.entry", "key", "value")
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if err := sub.set(name, attributes[name]); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(f["TopicArn"])
	if err != nil {
		return nil, err
	}
	sub.Topic = t.Name
	for _, other := range s.of(t.Name) {
		if other.Protocol == sub.Protocol && other.Endpoint == sub.Endpoint {
			if !other.Confirmed {
				err = s.ask(other)
			}
			return subscribed{s.shown(other, f["ReturnSubscriptionArn"] == "true")}, err
		}
	}
	sub.Confirmed = sub.Protocol == "sqs" // the same account: nobody to ask
	if err := s.keep(sub); err != nil {
		return nil, err
	}
	if !sub.Confirmed {
		err = s.ask(sub)
	}
	return subscribed{s.shown(sub, f["ReturnSubscriptionArn"] == "true")}, err
}

// shown is the ARN that a caller sees.
func (s *Service) shown(sub *subscription, always bool) string {
	switch {
	case sub.Confirmed || always:
		return s.arnOf(sub)
	}
	return "pending confirmation"
}

// set changes an attribute.
func (sub *subscription) set(name, value string) error {
	if name != "RawMessageDelivery" {
		return notBuilt("the subscription attribute " + name)
	}
	if value != "true" && value != "false" {
		return invalid("Attributes Reason: RawMessageDelivery: Invalid value [%s]. Must be true or false.", value)
	}
	sub.Raw = value == "true"
	return nil
}

// confirmSubscription is ConfirmSubscription, also as the link in the request to confirm.
func (s *Service) confirmSubscription(f form.Form) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(f["TopicArn"])
	if err != nil {
		return nil, err
	}
	for _, sub := range s.of(t.Name) {
		if sub.Token != f["Token"] {
			continue
		}
		changed := *sub
		changed.Confirmed = true
		return subscribed{s.arnOf(sub)}, s.keep(&changed)
	}
	return nil, invalid("Token")
}

// unsubscribe is Unsubscribe; a subscription that is gone is no error.
func (s *Service) unsubscribe(f form.Form) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sub, err := s.subscriptionOf(f["SubscriptionArn"]); err == nil {
		return nil, s.drop(sub)
	}
	if !strings.HasPrefix(f["SubscriptionArn"], s.ARN("")) {
		return nil, invalid("SubscriptionArn Reason: An ARN must have at least 6 elements, not 1")
	}
	return nil, nil
}

func (s *Service) subscriptionOf(arn string) (*subscription, error) {
	sub := s.subscriptions[arn[strings.LastIndexByte(arn, ':')+1:]]
	if sub == nil || s.arnOf(sub) != arn {
		return nil, missing("Subscription")
	}
	return sub, nil
}

type subscriptionMember struct {
	SubscriptionArn, Owner, Protocol, Endpoint, TopicArn string
}

type subscriptionList struct {
	Subscriptions []subscriptionMember `xml:"Subscriptions>member"`
	NextToken     string               `xml:",omitempty"`
}

// listSubscriptions is ListSubscriptions.
func (s *Service) listSubscriptions(f form.Form) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list(slices.Sorted(maps.Keys(s.subscriptions)), f["NextToken"]), nil
}

// listSubscriptionsByTopic is ListSubscriptionsByTopic.
func (s *Service) listSubscriptionsByTopic(f form.Form) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(f["TopicArn"])
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, sub := range s.of(t.Name) {
		ids = append(ids, sub.ID)
	}
	return s.list(ids, f["NextToken"]), nil
}

func (s *Service) list(ids []string, token string) subscriptionList {
	cut, next := page(ids, token)
	list := subscriptionList{NextToken: next}
	for _, id := range cut {
		sub := s.subscriptions[id]
		arn := s.arnOf(sub)
		if !sub.Confirmed {
			arn = pendingARN
		}
		list.Subscriptions = append(list.Subscriptions, subscriptionMember{arn, s.Account, sub.Protocol, sub.Endpoint, s.ARN(sub.Topic)})
	}
	return list
}

// getSubscriptionAttributes is GetSubscriptionAttributes.
func (s *Service) getSubscriptionAttributes(f form.Form) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, err := s.subscriptionOf(f["SubscriptionArn"])
	if err != nil {
		return nil, err
	}
	return attributesAnswer{table{"SubscriptionArn": s.arnOf(sub), "TopicArn": s.ARN(sub.Topic), "Owner": s.Account, "Protocol": sub.Protocol, "Endpoint": sub.Endpoint,
		"RawMessageDelivery": truth(sub.Raw), "PendingConfirmation": truth(!sub.Confirmed), "ConfirmationWasAuthenticated": truth(sub.Confirmed)}}, nil
}

// setSubscriptionAttributes is SetSubscriptionAttributes.
func (s *Service) setSubscriptionAttributes(f form.Form) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, err := s.subscriptionOf(f["SubscriptionArn"])
	if err != nil {
		return nil, err
	}
	changed := *sub
	if err := changed.set(f["AttributeName"], f["AttributeValue"]); err != nil {
		return nil, err
	}
	return nil, s.keep(&changed)
}

func truth(is bool) string {
	if is {
		return "true"
	}
	return "false"
}
