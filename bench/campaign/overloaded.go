package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"betimes/internal/event"
)

// overEnd is how one event ended.
type overEnd struct {
	due  time.Time
	took time.Duration // of a prediction
	late bool
	shed bool
}

// finish reads the topics and judges.
func (s *overRun) finish(ctx context.Context, r *report, parts []overPart) error {
	e := examined{what: s.at.what, group: s.name}
	v, err := e.examine(ctx, s.cluster, r)
	if err != nil {
		return err
	}
	ends, err := s.ends(ctx)
	if err != nil {
		return err
	}
	normal := p99Of(ends[parts[0].name])
	back := recovery(ends[parts[len(parts)-1].name], time.Duration(overNormal*float64(normal)))
	peak := s.process.peak()
	for _, p := range parts {
		all := ends[p.name]
		good, late, shed := endedIn(all)
		share := float64(good) / p.length.Seconds() / s.capacity
		r.add(row{
			{"brokers", s.at.what}, {"load", fmt.Sprintf("%s: %.1f × the model's %.0f/s for %s", p.name, p.times, s.capacity, p.length)}, {"events", len(all)},
			{"in time", good}, {"… ÷ capacity", fmt.Sprintf("%.3f", share)}, {"calls ÷ capacity", fmt.Sprintf("%.3f", float64(s.called(p.name))/p.length.Seconds()/s.capacity)}, {"predicted late", late}, {"shed", shed}, {"p50 / p99", milliseconds(p50Of(all)) + " / " + milliseconds(p99Of(all))},
		})
		if p.times > 1 {
			r.timely(share >= overGood, "%s: %s: %.3f of the capacity is predicted in time, promised %.1f", s.at.what, p.name, share, overGood)
		}
	}
	c := v.Counts
	r.add(row{
		{"brokers", s.at.what}, {"events", c.Events}, {"lost", c.Waiting}, {"ended twice", c.Duplicated}, {"two places", c.TwoPlaces}, {"reordered", c.Reordered},
		{"calls begun after the deadline", s.expired.Load()}, {"… arrived after it", s.arrived.Load()}, {"normal p99 after", seconds(back)}, {"peak RSS", mebibytes(peak)}, {"memory", memorySetting},
	})
	r.require(c.Events == int64(s.sent) && c.Ended == c.Events, "%s: %d sent, %d in the topic, %d ended", s.at.what, s.sent, c.Events, c.Ended)
	r.require(c.Duplicated == 0 && c.Reordered == 0 && c.TwoPlaces == 0, "%s: %d ended twice, %d in two places, %d reordered", s.at.what, c.Duplicated, c.TwoPlaces, c.Reordered)
	r.timely(s.expired.Load() == 0, "%s: %d calls about events whose deadline had passed", s.at.what, s.expired.Load())
	r.timely(back <= overRecovery, "%s: p99 was normal again after %s, promised %s", s.at.what, back, overRecovery)
	r.require(peak <= memoryBytes+memoryBytes/10, "%s: %s at the peak, promised %s and 10 %%", s.at.what, mebibytes(peak), memorySetting)
	stopped := s.process.stop()
	r.require(stopped == nil, "%s: %v", s.at.what, stopped)
	return nil
}

// ends are the ends of the events of each part.
func (s *overRun) ends(ctx context.Context) (map[string][]overEnd, error) {
	all := map[string][]overEnd{}
	var bad error
	err := readAll(ctx, s.cluster, []string{topicPredictions, topicShed}, func(e *event.Event) {
		id := string(e.Header(event.HeaderID))
		due, _ := dueOf(id)
		end := overEnd{due: due, shed: e.Source.Topic == topicShed}
		if !end.shed {
			var p struct {
				Latency int64 `json:"latency_us"`
				Late    bool  `json:"late"`
			}
			if err := json.Unmarshal(e.Value, &p); err != nil {
				bad = err
			}
			end.took, end.late = time.Duration(p.Latency)*time.Microsecond, p.Late
		}
		all[partOf(id)] = append(all[partOf(id)], end)
	})
	return all, cmp.Or(err, bad)
}

func endedIn(ends []overEnd) (good, late, shed int) {
	for _, e := range ends {
		switch {
		case e.shed:
			shed++
		case e.late:
			late++
		default:
			good++
		}
	}
	return good, late, shed
}

func p50Of(ends []overEnd) time.Duration { return quantileOf(ends, 0.5) }
func p99Of(ends []overEnd) time.Duration { return quantileOf(ends, 0.99) }

// quantileOf is that of the predictions.
func quantileOf(ends []overEnd, q float64) time.Duration {
	var took []time.Duration
	for _, e := range ends {
		if !e.shed {
			took = append(took, e.took)
		}
	}
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return quantile(took, q)
}

// recovery is when the last second ended that was not normal: its p99 was above most,
// or more than one in a hundred was shed or late.
func recovery(ends []overEnd, most time.Duration) time.Duration {
	if len(ends) == 0 {
		return 0
	}
	began := slices.MinFunc(ends, func(a, b overEnd) int { return a.due.Compare(b.due) }).due
	each := map[int][]overEnd{}
	for _, e := range ends {
		second := int(e.due.Sub(began) / time.Second)
		each[second] = append(each[second], e)
	}
	last := 0
	for second, all := range each {
		if good, _, _ := endedIn(all); good*100 < len(all)*99 || p99Of(all) > most {
			last = max(last, second+1)
		}
	}
	return time.Duration(last) * time.Second
}
