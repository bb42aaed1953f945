package main

import (
	"context"
	"fmt"
	"strings"

	"betimes/internal/lab/verify"
)

// mode is how a pipeline's streams work, and what is promised of it.
type mode struct {
	name     string
	settings []string // of flow.stream
	exactly  bool     // nothing ends twice
	shared   bool     // no order, no offsets
	points   string   // part of the names of failpoints that only this mode comes to; empty: those of no other
}

// modes are those that campaigns of faults go through.
func modes() []mode {
	return []mode{
		{name: "at_least_once"},
		{name: "exactly_once", settings: []string{"guarantee: exactly_once"}, exactly: true, points: ".transaction."},
		{name: "share", settings: []string{"order: none", "protocol: share"}, shared: true, points: ".share."},
	}
}

// owns says that this mode must come to a failpoint.
func (m mode) owns(point string) bool {
	if m.points != "" {
		return strings.Contains(point, m.points)
	}
	for _, other := range modes() {
		if other.points != "" && strings.Contains(point, other.points) {
			return false
		}
	}
	return true
}

// config is what is asked of the checker.
func (m mode) config() verify.Config {
	c := verify.Config{ExactlyOnce: m.exactly}
	if m.shared {
		c.Order = verify.Unordered
	}
	return c
}

// inEveryMode runs one campaign in the modes that -mode names, on new brokers each.
func (o options) inEveryMode(ctx context.Context, run func(ctx context.Context, m mode, at *place) error) error {
	for _, m := range modes() {
		if o.mode != "" && o.mode != m.name {
			continue
		}
		err := o.everywhere(ctx, needs{brokers: brokersOf}, func(ctx context.Context, at *place) error {
			here := *at
			here.what += ", " + m.name
			o.progress("%s", m.name)
			return run(ctx, m, &here)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}
