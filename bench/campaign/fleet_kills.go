package main

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"betimes/internal/event"
)

// fleetSize is how many servers the model of killFleet is on.
const fleetSize = 3

// How streams before a fleet are killed.
const (
	fleetKillLeast = time.Second
	fleetKillMost  = 3 * time.Second
)

// killFleet kills streams that ask a model on several servers about events together,
// and a second time where that takes long.
func (o options) killFleet(ctx context.Context, m mode, at *place, r *report) error {
	model, err := newFleet(fleetSize, o.seed)
	if err != nil {
		return err
	}
	c, err := o.newCrew(ctx, m, at, at.seeds, model)
	if err != nil {
		return err
	}
	defer c.end()
	k := killing{what: "two streams before three servers on " + at.what, who: crewNames[1:], least: fleetKillLeast, most: fleetKillMost}
	k.cells = func(ctx context.Context) (row, error) { return c.paths(ctx, k.what, r) }
	return c.killed(ctx, k, r)
}

// ways is how often predictions say that their event shared a call, had a second
// one, got the answer of that, or was asked about again; and how many have the answer
// about another event.
type ways struct{ shared, hedged, won, again, foreign int }

// paths reads the ways of all predictions. Each kind must have been tried.
func (c *crew) paths(ctx context.Context, what string, r *report) (row, error) {
	var w ways
	err := readAll(ctx, c.cluster, []string{topicPredictions}, func(one *event.Event) {
		if !w.add(one) && w.foreign <= mostNoted {
			r.note("%s: %s has the answer about another event: %s, %s", what, one.Header(event.HeaderID), one.Source, one.Value)
		}
	})
	r.require(w.foreign == 0, "%s: %d events have the answer about another", what, w.foreign)
	r.timely(w.shared > 0 && w.won > 0 && w.again > 0, "%s: not all was tried: %+v", what, w)
	return row{{"shared a call", w.shared}, {"second calls", w.hedged}, {"… that won", w.won}, {"asked again", w.again}}, err
}

// mostNoted is how many of a kind are told one by one.
const mostNoted = 5

// add counts a prediction. It says no when the answer is about another event.
func (w *ways) add(one *event.Event) bool {
	said := ";" + string(one.Header(event.HeaderDecisions))
	hedges := strings.Count(said, ";balance:hedge:")
	count(&w.hedged, hedges > 0)
	count(&w.won, strings.Contains(said, ",won,"))
	count(&w.again, strings.Count(said, ";balance:")-hedges > 1)
	var p event.Prediction
	var answer struct {
		Predictions []struct{ ID string }
	}
	if json.Unmarshal(one.Value, &p) != nil || json.Unmarshal(p.Prediction, &answer) != nil {
		return !count(&w.foreign, true)
	}
	count(&w.shared, p.Batch > 1)
	id := string(one.Header(event.HeaderID))
	return !count(&w.foreign, p.ID != id || len(answer.Predictions) != 1 || answer.Predictions[0].ID != id)
}

// count adds one where something is so, and says if it is.
func count(n *int, is bool) bool {
	if is {
		*n++
	}
	return is
}
