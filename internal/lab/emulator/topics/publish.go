package topics

import (
	"encoding/json"
	"errors"
	"net/url"
	"time"
	"unicode/utf8"

	"betimes/internal/lab/emulator/form"
	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
	"betimes/internal/lab/emulator/reply"
)

// notice is what is published, and what an HTTP server is asked to confirm.
type notice struct {
	Type              string
	MessageId         string
	Token             string `json:",omitempty"`
	TopicArn          string
	Subject           string `json:",omitempty"`
	Message           string
	SubscribeURL      string `json:",omitempty"`
	Timestamp         string
	SignatureVersion  string
	Signature         string
	SigningCertURL    string
	UnsubscribeURL    string               `json:",omitempty"`
	MessageAttributes map[string]attribute `json:",omitempty"`
}

type attribute struct{ Type, Value string }

// unsigned stands where AWS signs.
const unsigned = "not-signed"

// maxMessageBytes is SNS's limit of a message.
const maxMessageBytes = 256 << 10

type published struct {
	MessageId string
}

// publish is Publish.
func (s *Service) publish(f form.Form) (any, error) {
	for _, other := range []string{"TargetArn", "PhoneNumber", "MessageGroupId", "MessageDeduplicationId"} {
		if other != "TargetArn" && f[other] != "" {
			return nil, notBuilt(other)
		}
	}
	arn := f["TopicArn"]
	if arn == "" {
		arn = f["TargetArn"]
	}
	n := notice{Subject: f["Subject"], Message: f["Message"]}
	if f["MessageStructure"] == "json" {
		return s.publishPer(arn, n)
	}
	if err := n.read(f); err != nil {
		return nil, err
	}
	id, err := s.send(arn, n, nil)
	return published{id}, err
}

// read checks the parts of a form and takes the attributes.
func (n *notice) read(f form.Form) error {
	for _, p := range f.Parts("MessageAttributes.entry") {
		value := p["Value.StringValue"]
		if p["Value.DataType"] == "Binary" {
			value = p["Value.BinaryValue"]
		}
		if p["Name"] == "" || p["Value.DataType"] == "" || value == "" {
			return refuse("ParameterValueInvalid", "The message attribute '%s' must contain non-empty message attribute value.", p["Name"])
		}
		if n.MessageAttributes == nil {
			n.MessageAttributes = map[string]attribute{}
		}
		n.MessageAttributes[p["Name"]] = attribute{p["Value.DataType"], value}
	}
	return n.check()
}

func (n *notice) check() error {
	switch {
	case n.Message == "":
		return invalid("Empty message")
	case len(n.Message) > maxMessageBytes:
		return invalid("Message too long")
	case utf8.RuneCountInString(n.Subject) > 100:
		return invalid("Subject")
	}
	return nil
}

// publishPer is MessageStructure=json: a text per protocol, and a default.
func (s *Service) publishPer(arn string, n notice) (any, error) {
	var texts map[string]json.RawMessage
	if json.Unmarshal([]byte(n.Message), &texts) != nil {
		return nil, invalid("Message Structure - JSON message body failed to parse")
	}
	per := map[string]string{}
	for protocol, raw := range texts {
		var text string
		if json.Unmarshal(raw, &text) == nil {
			per[protocol] = text
		}
	}
	var ok bool
	if n.Message, ok = per["default"]; !ok {
		return nil, invalid("Message Structure - No default entry in JSON message body")
	}
	if err := n.check(); err != nil {
		return nil, err
	}
	id, err := s.send(arn, n, per)
	return published{id}, err
}

// Publish sends a message to the topic of an ARN, for other services.
func (s *Service) Publish(arn, subject, message string) error {
	_, err := s.send(arn, notice{Subject: subject, Message: message}, nil)
	return err
}

// send gives n to all who are subscribed; per has other texts for some protocols.
func (s *Service) send(arn string, n notice, per map[string]string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(arn)
	if err != nil {
		return "", err
	}
	n.Type, n.MessageId, n.TopicArn = "Notification", reply.ID(), arn
	s.seal(&n)
	standard := n.Message
	for _, sub := range s.of(t.Name) {
		if !sub.Confirmed {
			continue
		}
		if n.Message = standard; per[sub.Protocol] != "" {
			n.Message = per[sub.Protocol]
		}
		n.UnsubscribeURL = s.self + "/?Action=Unsubscribe&Version=" + Version + "&SubscriptionArn=" + url.QueryEscape(s.arnOf(sub))
		if err := s.give(sub, n); err != nil {
			return "", err
		}
	}
	return n.MessageId, nil
}

// seal fills what AWS signs.
func (s *Service) seal(n *notice) {
	n.Timestamp = s.Clock.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	n.SignatureVersion, n.Signature, n.SigningCertURL = "1", unsigned, s.self+"/SimpleNotificationService.pem"
}

// give delivers a notification, unless a fault has it come late, twice or not at all; s.mu is held.
func (s *Service) give(sub *subscription, n notice) error {
	d := &delivery{ID: reply.ID(), Type: n.Type, MessageID: n.MessageId, Subscription: sub.ID, Text: n.Message}
	if !sub.Raw {
		raw, _ := json.Marshal(n) // texts always marshal
		d.Text = string(raw)
	}
	f := s.Faults.Of(injection.Where{Operation: "Publish", Topic: sub.Topic, Region: s.Region, Account: s.Account}, injection.LostNotice, injection.LateNotice, injection.RepeatedNotice)
	if f == nil {
		return s.hand(sub, d)
	}
	s.Journal.Note(journal.Entry{Time: time.Now(), Kind: journal.Fault, Operation: "Publish", Resource: "topic/" + sub.Topic, Text: f.Fault + " " + f.ID})
	switch f.Fault {
	case injection.LostNotice:
		return nil
	case injection.LateNotice:
		d.NotBefore = s.Clock.Now().Add(time.Duration(f.Add))
		return s.post(d)
	}
	again := *d
	again.ID = reply.ID()
	return errors.Join(s.hand(sub, d), s.hand(sub, &again))
}

// hand puts a notification into a queue, or keeps it for an HTTP server; s.mu is held.
func (s *Service) hand(sub *subscription, d *delivery) error {
	if sub.Protocol != "sqs" {
		return s.post(d)
	}
	return s.enqueue(sub, d.Text)
}

func (s *Service) enqueue(sub *subscription, text string) error {
	err := s.Queues.Send(sub.Endpoint, text)
	if err != nil && !s.Queues.Exists(sub.Endpoint) { // deleted since: as on AWS nobody is told
		s.Log.Warn("notification for a queue that is gone", "queue", sub.Endpoint)
		return nil
	}
	return err
}

// ask sends an HTTP server the request to confirm; s.mu is held.
func (s *Service) ask(sub *subscription) error {
	arn := s.ARN(sub.Topic)
	n := notice{Type: "SubscriptionConfirmation", MessageId: reply.ID(), Token: sub.Token, TopicArn: arn,
		Message:      "You have chosen to subscribe to the topic " + arn + ".\nTo confirm the subscription, visit the SubscribeURL included in this message.",
		SubscribeURL: s.self + "/?Action=ConfirmSubscription&Version=" + Version + "&TopicArn=" + url.QueryEscape(arn) + "&Token=" + sub.Token}
	s.seal(&n)
	raw, _ := json.Marshal(n) // texts always marshal
	return s.post(&delivery{ID: reply.ID(), Type: n.Type, MessageID: n.MessageId, Subscription: sub.ID, Text: string(raw)})
}

// deliveryTimeout is AWS's for an HTTP server to answer.
const deliveryTimeout = 15 * time.Second
