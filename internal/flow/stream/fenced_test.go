package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

func TestAFencedWorkerEndsAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster(), commit: func(int) (bool, error) {
			return false, fmt.Errorf("commit: %w", kafka.ErrFenced)
		}}
		_, stop := running(t, b.cluster, predict, exactly(b))
		for i := range 10 {
			b.send(0, num(i), num(i))
		}
		time.Sleep(time.Second)
		if !b.hasLeft() {
			t.Error("it goes on")
		}
		if err := stop(); !errors.Is(err, kafka.ErrFenced) || !strings.Contains(err.Error(), "another process") {
			t.Errorf("it ended with %v", err)
		}
		if len(b.written()) != 0 || b.committed(0) != 0 {
			t.Errorf("written %v, committed %d", b.written(), b.committed(0))
		}
	})
}

func TestATopicThatRefusesHaltsItsPartitionAndTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster()}
		b.refuse = func(r *kafka.Record) error {
			if r.Partition == 0 {
				return kafka.ErrRefused
			}
			return nil
		}
		p, stop := running(t, b.cluster, predict, exactly(b))
		b.send(0, "k", "refused")
		b.send(1, "k", "fine")
		time.Sleep(time.Second)
		if got := b.written(); !slices.Equal(got, []string{"predictions fine"}) || b.committed(0) != 0 || b.committed(1) != 1 {
			t.Errorf("written %v, committed %d and %d", got, b.committed(0), b.committed(1))
		}
		if err := p.Ready(); err == nil || !strings.Contains(err.Error(), "events:0 is halted") {
			t.Errorf("ready says %v", err)
		}
		ended(t, stop)
	})
}

func TestAFencedWorkerAsksNoModelAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster(), commit: func(int) (bool, error) { return false, kafka.ErrFenced }}
		_, stop := running(t, b.cluster, func(ctx context.Context, e *event.Event) event.Ending {
			time.Sleep(time.Duration(e.Source.Offset%100) * 10 * time.Millisecond)
			return predict(ctx, e)
		}, exactly(b))
		for i := range 1000 {
			b.send(0, num(i), num(i))
		}
		time.Sleep(2 * time.Second)
		if !b.hasLeft() {
			t.Error("it waits for endings that it may not write")
		}
		if err := stop(); !errors.Is(err, kafka.ErrFenced) {
			t.Errorf("it ended with %v", err)
		}
	})
}

func TestAWorkerThatIsAskedToEndBeforeBrokersAnswerEndsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster(), away: errModel}
		_, stop := running(t, b.cluster, predict, exactly(b))
		time.Sleep(time.Minute)
		ended(t, stop)
	})
}
