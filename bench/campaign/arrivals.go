package main

import (
	"context"
	"maps"
	"sync"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// arrivals is when each prediction was first read, by id: what a consumer sees.
type arrivals struct {
	mu sync.Mutex
	at map[string]time.Time
}

// watch reads predictions from now on until ctx ends, beside whatever goes on.
func (a *arrivals) watch(ctx context.Context, cluster *kafka.Cluster) (done <-chan error, err error) {
	tail, err := cluster.NewTail(ctx, kafka.TailConfig{Topics: []string{topicPredictions}, From: kafka.TailEnd()})
	if err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() {
		defer tail.Close()
		for {
			events, err := tail.Poll(ctx)
			a.note(events, time.Now())
			if err != nil && ctx.Err() == nil {
				ended <- err
				return
			}
			if ctx.Err() != nil {
				ended <- nil
				return
			}
		}
	}()
	return ended, nil
}

func (a *arrivals) note(events []*event.Event, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range events {
		id := string(e.Header(event.HeaderID))
		if _, seen := a.at[id]; !seen {
			a.at[id] = now
		}
	}
}

// felt is what callers waited for, from when each event was due.
func felt(l *ledger, a *arrivals) []waited {
	l.mu.Lock()
	sends := maps.Clone(l.sends)
	l.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]waited, 0, len(sends))
	for id, s := range sends {
		if at, ok := a.at[id]; ok {
			all = append(all, waited{s.due, at.Sub(s.due)})
		}
	}
	return all
}
