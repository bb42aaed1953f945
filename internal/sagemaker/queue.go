package sagemaker

import (
	"context"
	"strconv"
	"time"
)

// queue is SQS: one queue that is read.
type queue struct {
	service  *service
	protocol protocol
	url      string
}

const (
	queueWait        = 20 * time.Second // an empty queue answers after so long
	queueTimeout     = queueWait + 10*time.Second
	queueConnections = 2
	queueMessages    = 10 // at once
)

func (a *Account) queue(c Config, at string) (*queue, error) {
	s, err := a.service(queuesAPI(), c, queueConnections, queueTimeout)
	if err != nil {
		return nil, err
	}
	return &queue{s, protocol{s.at("/"), "application/x-amz-json-1.0", "AmazonSQS."}, at}, nil
}

func (q *queue) close() { q.service.exchange.Close() }

// message is one of a queue; receipt is how it is deleted.
type message struct {
	Body    string
	Receipt string `json:"ReceiptHandle"`
}

// receive waits for messages; none is no error. Those that are not deleted come again.
func (q *queue) receive(ctx context.Context) ([]message, error) {
	var out struct{ Messages []message }
	err := q.service.call(ctx, q.protocol, "ReceiveMessage", struct {
		QueueUrl                             string
		MaxNumberOfMessages, WaitTimeSeconds int
	}{q.url, queueMessages, int(queueWait / time.Second)}, &out)
	return out.Messages, err
}

// delete removes messages that were received.
func (q *queue) delete(ctx context.Context, messages []message) error {
	type entry struct{ Id, ReceiptHandle string }
	entries := make([]entry, len(messages))
	for i, m := range messages {
		entries[i] = entry{strconv.Itoa(i), m.Receipt}
	}
	return q.service.call(ctx, q.protocol, "DeleteMessageBatch", struct {
		QueueUrl string
		Entries  []entry
	}{q.url, entries}, nil)
}
