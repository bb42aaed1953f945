package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"betimes/internal/event"
)

// tallied is what became of one kind of input.
type tallied struct {
	way, kind, want string
	sent, right     int
	wrong           map[string]int
}

// judge compares where every input ended with where it should have, and what
// good events felt.
func (h *hostileRun) judge(ctx context.Context, r *report) error {
	slow := drained(ctx, h.cluster, h.pipeline)
	r.require(slow == nil, "%s: %v", h.at.what, slow)
	got, err := h.endings(ctx)
	if err != nil {
		return err
	}
	for _, t := range h.siege.tally(got) {
		r.add(row{{"brokers", h.at.what}, {"way", t.way}, {"input", t.kind}, {"must end", t.want}, {"sent", t.sent}, {"did", t.right}})
		r.require(t.right == t.sent, "%s: %s, %s: %d of %d ended elsewhere: %s", h.at.what, t.way, t.kind, t.sent-t.right, t.sent, listed(t.wrong))
	}
	if err := h.judgeGood(ctx, r); err != nil {
		return err
	}
	for _, p := range []*process{h.gateway, h.stream} {
		stopped := p.stop()
		r.require(stopped == nil, "%s: %v", h.at.what, stopped)
		r.require(!strings.Contains(p.output(), "panic"), "%s: %s panicked:\n%s", h.at.what, p.role, p.output())
	}
	return nil
}

// endings is where each id of the siege ended: topic and reason, several joined.
func (h *hostileRun) endings(ctx context.Context) (map[string]string, error) {
	got := map[string]string{}
	err := readAll(ctx, h.cluster, terminals(), func(e *event.Event) {
		id := string(e.Header(event.HeaderID))
		if !strings.HasPrefix(id, h.siege.run) {
			return
		}
		place := strings.TrimSpace(e.Source.Topic + " " + string(e.Header(event.HeaderReason)))
		if got[id] != "" {
			place = got[id] + " and " + place
		}
		got[id] = place
	})
	return got, err
}

// tally counts by way and kind what ended right.
func (s *siege) tally(got map[string]string) []*tallied {
	all := map[string]*tallied{}
	for id, a := range s.sent {
		way, want, end := "topic", a.ends, got[id]
		if a.header != nil {
			way, want = "gateway", strings.Trim(a.answer+", "+a.ends, ", ")
			end = strings.Trim(s.answers[id]+", "+end, ", ")
		} else if s.answers[id] != "" {
			end = s.answers[id]
		}
		name := way + a.kind + want
		t := all[name]
		if t == nil {
			t = &tallied{way: way, kind: a.kind, want: want, wrong: map[string]int{}}
			all[name] = t
		}
		t.sent++
		if end == want {
			t.right++
		} else {
			t.wrong[cmp.Or(end, "nowhere")]++
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b *tallied) int {
		return cmp.Or(cmp.Compare(a.way, b.way), cmp.Compare(a.kind, b.kind), cmp.Compare(a.want, b.want))
	})
}

// judgeGood compares the good events' p99 with and without hostile ones.
func (h *hostileRun) judgeGood(ctx context.Context, r *report) error {
	in, err := idsOf(ctx, h.cluster, topicEvents)
	if err != nil {
		return err
	}
	out, err := idsOf(ctx, h.cluster, topicPredictions)
	if err != nil {
		return err
	}
	a, predicted := h.ledger.answers(in), h.ledger.among(out)
	all := felt(h.ledger, h.arrived)
	var off, on []time.Duration
	var pairs []string
	for n := range hostilePairs {
		off = append(off, percentile(within(all, h.edges[2*n], h.edges[2*n+1]), 99))
		on = append(on, percentile(within(all, h.edges[2*n+1], h.edges[2*n+2]), 99))
		pairs = append(pairs, milliseconds(off[n])+" / "+milliseconds(on[n]))
	}
	slices.Sort(off)
	slices.Sort(on)
	without, with := off[hostilePairs/2], on[hostilePairs/2]
	ratio := float64(with) / float64(max(without, 1))
	first, last := h.memory[0], h.memory[len(h.memory)-1]
	r.add(row{
		{"brokers", h.at.what}, {"hostile inputs", len(h.siege.sent)}, {"good events", a.accepted}, {"predicted", predicted}, {"p99 without / with, pair by pair", strings.Join(pairs, ", ")},
		{"median with / without", fmt.Sprintf("%.2f", ratio)}, {"spread without", milliseconds(off[0]) + " to " + milliseconds(off[hostilePairs-1])},
		{"memory after the first pair, the last", mebibytes(first) + ", " + mebibytes(last)},
	})
	r.require(a.accepted > 0 && predicted == a.accepted && a.missing == 0, "%s: %d good events were accepted, %d are predicted, %d are not in the topic where the answer said", h.at.what, a.accepted, predicted, a.missing)
	r.timely(ratio <= hostileMore || with <= off[hostilePairs-1], "%s: p99 of good events %s with hostile ones, %s without, beyond the spread of those without", h.at.what, milliseconds(with), milliseconds(without))
	r.require(last <= first+hostileGrows, "%s: gateway and stream held %s after the first pair and %s after the last", h.at.what, mebibytes(first), mebibytes(last))
	return nil
}
