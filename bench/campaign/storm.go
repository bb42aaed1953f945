package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// What is promised while members come and go, and how they do.
const (
	stormEvery   = 2 * time.Second
	stormAnchors = 2 // members that stay
	stormMost    = 3 // members beside them
	stormSession = 6 * time.Second
	stormKept    = time.Second // a partition that stays with its member never stands still longer
	stormMoved   = 2 * time.Second
	scaleMost    = 6
	scaleLast    = 2
)

// storms are the kinds of membership.
var storms = []struct {
	name, what string
	settings   []string
	named      bool
	shared     bool
}{
	{"classic", "classic, dynamic", []string{"protocol: classic", "membership: dynamic"}, false, false},
	{"consumer", "KIP-848, dynamic", []string{"protocol: consumer", "membership: dynamic"}, false, false},
	{"static", "classic, static", []string{"protocol: auto", "membership: static"}, true, false},
	{"share", "share group", []string{"protocol: share", "order: none"}, false, true},
}

// storm has members join, leave and crash under load, and scale out and in
// under names of chance.
func storm(ctx context.Context, o options, r *report) error {
	soon := map[string]string{
		"group.consumer.min.session.timeout.ms": "6000", "group.consumer.min.heartbeat.interval.ms": "500",
		"group.share.min.session.timeout.ms": "6000", "group.share.min.heartbeat.interval.ms": "500",
	}
	run := 0
	return o.everywhere(ctx, needs{brokers: brokersOf, properties: soon}, func(ctx context.Context, at *place) error {
		for _, s := range storms {
			for _, scale := range []bool{false, true} {
				run++
				if !strings.Contains(s.name+map[bool]string{true: "-scale", false: "-storm"}[scale], o.only) {
					continue
				}
				one := &stormRun{crowd: crowd{
					o: o, at: at, group: fmt.Sprintf("storm%d-%d", o.seed, run), named: s.named && !scale, random: rand.New(rand.NewPCG(o.seed, uint64(run))),
					settings: append([]string{fmt.Sprintf("session_timeout: %s", stormSession)}, s.settings...),
				}, what: s.what, shared: s.shared, scale: scale}
				if err := one.run(ctx, r); err != nil {
					return fmt.Errorf("%s: %w", s.what, err)
				}
			}
		}
		return nil
	})
}

// stormRun is one kind of membership on one place.
type stormRun struct {
	crowd
	what   string
	shared bool // nobody has a partition
	scale  bool // out and in, instead of a storm
	joins  int
	wrong  []error
}

func (s *stormRun) run(ctx context.Context, r *report) (err error) {
	if s.witness, err = newWitness(5*time.Millisecond, 15*time.Millisecond); err != nil {
		return err
	}
	defer s.witness.close()
	defer s.clear()
	s.held = newHoldings()
	cluster, err := s.at.open()
	if err != nil {
		return err
	}
	defer cluster.Close()
	first := stormAnchors
	if s.scale {
		first = 1
	}
	for range first {
		if err := s.join(); err != nil {
			return err
		}
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	if s.shared { // it begins at the end of a partition that was read once, and what was there before is not its own
		if err := pause(ctx, stormSession); err != nil {
			return err
		}
	}
	l := blankLedger(s.group+"-", s.o.seed)
	fed := make(chan error, 1)
	feeding, stop := context.WithCancel(ctx)
	defer stop()
	go s.held.watch(feeding)
	go func() { fed <- l.feed(feeding, cluster, or(s.o.rate, 240)) }()
	if err = pause(ctx, stormEvery); err == nil {
		err = s.weather(ctx)
	}
	stop()
	if err := firstOf(err, <-fed); err != nil {
		return err
	}
	return s.judge(ctx, cluster, l, r)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// weather lets members come and go every two seconds.
func (s *stormRun) weather(ctx context.Context) error {
	s.o.progress("%s, %s", s.what, s.kind())
	if s.scale {
		return s.outAndIn(ctx)
	}
	for range int(s.o.length / stormEvery) {
		if err := s.gust(); err != nil {
			return err
		}
		if err := pause(ctx, stormEvery); err != nil {
			return err
		}
	}
	return pause(ctx, stormSession+orphanMore) // what the last crash left behind
}

func (s *stormRun) kind() string {
	if s.scale {
		return fmt.Sprintf("1 to %d to %d", scaleMost, scaleLast)
	}
	return "storm"
}

// gust is one member that comes, leaves or crashes. How one leaves is judged at the end.
func (s *stormRun) gust() error {
	extra := len(s.running) - stormAnchors
	switch n := s.random.IntN(3); {
	case extra == 0 || n == 0 && extra < stormMost:
		s.joins++
		return s.join()
	case n == 1:
		s.note(s.leave(stormAnchors))
		return nil
	}
	return s.crash(stormAnchors)
}

func (s *stormRun) note(err error) {
	if err != nil {
		s.wrong = append(s.wrong, err)
	}
}

func (s *stormRun) outAndIn(ctx context.Context) error {
	for len(s.running) < scaleMost {
		s.joins++
		if err := s.join(); err != nil {
			return err
		}
		if err := pause(ctx, stormEvery); err != nil {
			return err
		}
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	for len(s.running) > scaleLast {
		s.note(s.leave(0))
		if err := pause(ctx, stormEvery); err != nil {
			return err
		}
	}
	return pause(ctx, stormSession)
}
