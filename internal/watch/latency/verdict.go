package latency

import (
	"fmt"
	"slices"
	"time"

	"betimes/internal/event"
	"betimes/internal/pulse"
)

// verdict is what is known about one stretch of trouble.
type verdict struct {
	bad, good               span
	badSeconds, goodSeconds int64 // that had events
	trouble                 trouble
	ended                   bool
	objective               Objective
	changes                 []pulse.Change
	failing                 []string // calls, in words
	keys                    []Key    // that events wait for, those with most events first
	waiting                 int      // events that workers hold and do not work on
}

// why puts the verdict in words.
func (v verdict) why() Why {
	a := blame(v.bad, v.good)
	since := time.Unix(v.trouble.from, 0).UTC()
	w := Why{
		Since: &since, Culprit: &Culprit{a.stage, a.share},
		Sentence: v.sentence(a, since), Evidence: v.evidence(a, since), Remedy: v.remedy(a),
		Counterfactual: &Counterfactual{p99Without(a, v.bad, v.good).Microseconds()},
	}
	if v.ended {
		until := time.Unix(v.trouble.to, 0).UTC()
		w.Until = &until
	}
	return w
}

func (v verdict) sentence(a attribution, since time.Time) string {
	verb, when := "takes", " since "+clock(since)
	if v.ended {
		verb, when = "took", fmt.Sprintf(" from %s to %s", clock(since), clock(time.Unix(v.trouble.to, 0)))
	}
	what := "per event"
	if a.byTail {
		what = "at p99"
	}
	if a.unmatched {
		return fmt.Sprintf("%s %s %s %s%s, the most of all stages (%s of the time); %s of events late.",
			a.stage, verb, Duration(a.is), what, when, Percent(a.share), Percent(v.lateShare()))
	}
	return fmt.Sprintf("%s %s %s %s instead of %s%s: %s of the rise; %s of events late.",
		a.stage, verb, Duration(a.is), what, Duration(a.was), when, Percent(a.share), Percent(v.lateShare()))
}

func (v verdict) lateShare() float64 { return lateShare(v.bad.outcomes) }

// evidence lists what the verdict rests on, the strongest first.
func (v verdict) evidence(a attribution, since time.Time) []string {
	was, is := v.good.stages, v.bad.stages
	var out []string
	if !a.unmatched {
		out = append(out,
			fmt.Sprintf("%s: p50 %s, was %s; p99 %s, was %s", a.stage, Duration(is[a.stage].Quantile(0.5)), Duration(was[a.stage].Quantile(0.5)), Duration(is[a.stage].Quantile(0.99)), Duration(was[a.stage].Quantile(0.99))),
			fmt.Sprintf("all stages together: p50 %s, was %s; p99 %s, was %s", Duration(is[Whole].Quantile(0.5)), Duration(was[Whole].Quantile(0.5)), Duration(is[Whole].Quantile(0.99)), Duration(was[Whole].Quantile(0.99))))
	} else {
		out = append(out, "there is no healthy time within the last hour to compare with")
	}
	if late := v.bad.outcomes[Late]; late > 0 {
		out = append(out, fmt.Sprintf("%s of %s events were later than %s; %s may be", thousands(late), thousands(v.bad.outcomes[event.Predicted.String()]), Duration(v.objective.Latency), Percent(1-v.objective.Target)))
	}
	if a.carried > 0 {
		out = append(out, fmt.Sprintf("stages that wait for %s rose by %s per event; they are counted with it", a.stage, Duration(a.carried)))
	}
	if was, is := v.rates(); was > 0 && (is > was*1.25 || is < was*0.75) {
		out = append(out, fmt.Sprintf("%s events a second, were %s", thousands(int64(is+0.5)), thousands(int64(was+0.5))))
	}
	if s, ok := event.StageNamed(a.stage); ok && !v.ended && calling[s] {
		out = append(out, v.failing...)
	}
	if v.held(a) {
		for _, k := range v.keys {
			out = append(out, "key "+k.String())
		}
	}
	return append(out, changesNear(v.changes, since)...)
}

// held says that events may wait for those of their key.
func (v verdict) held(a attribution) bool {
	s, ok := event.StageNamed(a.stage)
	return ok && !v.ended && holding[s]
}

// keyBound says that most of what waits, waits for one key.
func (v verdict) keyBound() bool {
	return slices.ContainsFunc(v.keys, func(k Key) bool { return 2*k.Waiting > v.waiting })
}

// calling are the stages that failing calls may explain.
var calling = [event.NumStages]bool{event.StageBalance: true, event.StageNetwork: true, event.StageModel: true, event.StageRetry: true}

func (v verdict) rates() (was, is float64) {
	if v.goodSeconds > 0 {
		was = float64(v.good.stages[Whole].Count()) / float64(v.goodSeconds)
	}
	if v.badSeconds > 0 {
		is = float64(v.bad.stages[Whole].Count()) / float64(v.badSeconds)
	}
	return was, is
}

// changesNear lists what changed in the minute before the trouble and just after it began.
func changesNear(changes []pulse.Change, since time.Time) []string {
	var out []string
	for _, c := range changes {
		if c.At.After(since.Add(-minute)) && c.At.Before(since.Add(15*time.Second)) && len(out) < 5 {
			out = append(out, "at "+clock(c.At)+" "+c.Kind+": "+c.What)
		}
	}
	return out
}

// remedies say what helps when a stage is to blame.
var remedies = [event.NumStages]string{
	event.StageGateway:    "The gateway checks bodies slowly: give its process more CPU, or run more gateways.",
	event.StagePreprocess: "Rules or schema take the time: simplify flow.preprocess, or run more gateways.",
	event.StageProduce:    "Events wait in the gateway for the broker's connection: look at the brokers' request times and at the network between them.",
	event.StageBroker:     "Events wait in the log: workers were not reading them. If lag falls, wait; if it grows, add workers (flow.stream.workers) or partitions, and look at the brokers' append times.",
	event.StageQueue:      "Workers hold events that wait for their key or a free slot: raise flow.stream.concurrency or workers; if one key has most events, it is a hot key and bound by one call at a time.",
	event.StageFeature:    "The mapping takes the time: simplify flow.feature, or give the workers more CPU.",
	event.StageCache:      "The cache takes the time: look at its server, or switch the slow layer off.",
	event.StageAdmit:      "Events wait to be let in: the endpoint has no room; add instances.",
	event.StageBatch:      "Events wait for mates and an executor: lower flow.batch.max_events, or add instances to the endpoint.",
	event.StageBalance:    "Events wait for a free call: add instances to the endpoint, or raise its connections.",
	event.StageNetwork:    "The call takes long outside of the model's own time: look at the network and at the endpoint's front; a server that does not say its own time has it counted here.",
	event.StageModel:      "The model itself takes longer: look at the endpoint's CPU and at its newest version; add instances, or go back a version.",
	event.StagePublish:    "Predictions wait for the broker's acknowledgement: look at the brokers' request times and in-sync replicas.",
	event.StageAsync:      "Events went the slow road, because the others were full or too late for them.",
	event.StageRetry:      "Calls fail and are tried again: see the endpoint's errors, throttles above all.",
	event.StageMirror:     "Copying from the other cluster takes the time: look at the link and at the mirror's lag.",
}

func (v verdict) remedy(a attribution) string {
	if v.held(a) && v.keyBound() {
		return remedyHotKey
	}
	s, ok := event.StageNamed(a.stage)
	if !ok {
		return "Look at what the stage " + a.stage + " does."
	}
	return remedies[s]
}
