package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
)

// openQueue makes the user's queue, and a topic that puts into it.
func (u *user) openQueue(ctx context.Context) error {
	var made struct{ QueueUrl string }
	if err := u.e.get(ctx, toQueues+"CreateQueue", members{"QueueName": "q-" + u.name}, &made); err != nil {
		return err
	}
	u.queue = made.QueueUrl
	var about struct{ Attributes struct{ QueueArn string } }
	if err := u.e.get(ctx, toQueues+"GetQueueAttributes", members{"QueueUrl": u.queue, "AttributeNames": []string{"QueueArn"}}, &about); err != nil {
		return err
	}
	u.topic = "arn:aws:sns:us-east-1:000000000000:t-" + u.name
	if a, err := u.e.notify(ctx, "CreateTopic", url.Values{"Name": {"t-" + u.name}}); err != nil || !a.done() {
		return fmt.Errorf("no topic: %d %s %w", a.status, a.body, err)
	}
	a, err := u.e.notify(ctx, "Subscribe", url.Values{"TopicArn": {u.topic}, "Protocol": {"sqs"}, "Endpoint": {about.Attributes.QueueArn},
		"Attributes.entry.1.key": {"RawMessageDelivery"}, "Attributes.entry.1.value": {"true"}})
	if err == nil && !a.done() {
		err = fmt.Errorf("no subscription: %s", a.body)
	}
	return err
}

// message is a body that was sent; it is read in what the queue holds in the end.
func (u *user) message() (string, *register) {
	body := u.id("m")
	r := u.keep(&register{what: "message " + body, late: true})
	r.read = func(context.Context) (string, error) {
		if _, ok := u.received[body]; ok {
			return "there", nil
		}
		return "", nil
	}
	u.sent[body] = r
	return body, r
}

func (u *user) sendMessage(ctx context.Context) {
	body, r := u.message()
	a, err := u.e.json(ctx, toQueues+"SendMessage", members{"QueueUrl": u.queue, "MessageBody": body})
	r.wrote("there", u.write(ctx, a, err))
}

func (u *user) publish(ctx context.Context) {
	body, r := u.message()
	a, err := u.e.notify(ctx, "Publish", url.Values{"TopicArn": {u.topic}, "Message": {body}})
	r.wrote("there", u.write(ctx, a, err))
}

type held struct{ Body, ReceiptHandle string }

// receive looks at up to ten messages and hides them for seconds.
func (u *user) receive(ctx context.Context, seconds int) ([]held, answered, error) {
	a, err := u.e.json(ctx, toQueues+"ReceiveMessage", members{"QueueUrl": u.queue, "MaxNumberOfMessages": 10, "VisibilityTimeout": seconds})
	var got struct{ Messages []held }
	if err == nil && a.done() {
		err = json.Unmarshal(a.body, &got)
	}
	return got.Messages, a, err
}

// takeMessage receives and deletes one.
func (u *user) takeMessage(ctx context.Context) {
	got, a, err := u.receive(ctx, 0)
	if err != nil || !a.done() {
		u.write(ctx, a, err)
		return
	}
	m, ok := one(u, got)
	if !ok {
		return
	}
	r := u.sent[m.Body]
	if r == nil {
		u.problems = append(u.problems, "message that nobody sent: "+m.Body)
		return
	}
	a, err = u.e.json(ctx, toQueues+"DeleteMessage", members{"QueueUrl": u.queue, "ReceiptHandle": m.ReceiptHandle})
	r.wrote("", u.write(ctx, a, err))
}

// drainQueue receives everything, hidden for longer than that takes.
func (u *user) drainQueue(ctx context.Context) error {
	u.received = map[string]struct{}{}
	for {
		got, a, err := u.receive(ctx, 3600)
		if err != nil || !a.done() {
			return fmt.Errorf("nothing received: %d %s %w", a.status, a.body, err)
		}
		if len(got) == 0 {
			return nil
		}
		for _, m := range got {
			if u.sent[m.Body] == nil {
				u.problems = append(u.problems, "message that nobody sent: "+m.Body)
			}
			u.received[m.Body] = struct{}{}
		}
	}
}
