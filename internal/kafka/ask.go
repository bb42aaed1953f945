package kafka

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kerr"
)

// askAttempts bounds how often a question is asked while brokers restart or
// leaders move; together they take about two seconds.
const askAttempts = 6

// ask asks until the answer is not one of passing trouble.
func ask[T any](ctx context.Context, question func() (T, error)) (T, error) {
	for attempt := 1; ; attempt++ {
		answer, err := question()
		if err == nil || attempt == askAttempts || !troubled(err) || !pause(ctx, retryBackoff(attempt)) {
			return answer, err
		}
	}
}

// troubled says whether asking again may help. A topic that is unknown stays so.
func troubled(err error) bool {
	var network *net.OpError
	return errors.Is(err, io.EOF) || errors.As(err, &network) ||
		(kerr.IsRetriable(err) && !errors.Is(err, kerr.UnknownTopicOrPartition))
}
