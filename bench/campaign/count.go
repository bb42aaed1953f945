package main

import (
	"fmt"
	"slices"
	"time"

	"betimes/internal/lab/loadgen"
)

// counts is what ledger and topics say together.
type counts struct {
	what  string // the run
	kills int
	rules int // that the verifier found broken

	sent, accepted, unknown, failed, refused int

	missing   int // accepted, and not in the topic of events where the answer said
	events    int // records in the topic of events, accepted or not
	repeated  int // of those, beyond one for each id
	predicted int // events with a prediction
	lost      int // events that ended nowhere
	elsewhere map[string]int
	twoPlaces int
	strange   int
	reordered int

	duplicated int // events predicted more than once
	unexcused  int // of those, not in flight at a kill
	oldest     time.Duration
	bound      int // events that were in flight at a kill
	restarts   []time.Duration
}

// count compares what was answered with what is in the topics.
func count(l *ledger, b *books, kills []time.Time) counts {
	c := counts{sent: len(l.sends), events: len(b.ids), strange: b.strange, elsewhere: map[string]int{}}
	for id, s := range l.sends {
		c.answer(id, s, b)
	}
	ids := map[string]bool{}
	for source, id := range b.ids {
		if ids[id] && id != "" { // records of others have none
			c.repeated++
		}
		ids[id] = true
		c.ends(b.endings[source], kills)
	}
	c.reordered = disorder(b)
	c.restarts = firstAfter(b, kills)
	return c
}

func (c *counts) answer(id string, s send, b *books) {
	switch s.outcome {
	case loadgen.Accepted:
		c.accepted++
		if b.ids[s.source] != id {
			c.missing++
		}
	case loadgen.Failed:
		c.failed++
	case loadgen.Refused:
		c.refused++
	default:
		c.unknown++
	}
}

// ends counts the endings of one event.
func (c *counts) ends(copies []ending, kills []time.Time) {
	places := map[string]int{}
	for _, one := range copies {
		places[one.topic]++
	}
	if len(copies) == 0 {
		c.lost++
	}
	if len(places) > 1 {
		c.twoPlaces++
	}
	for place := range places {
		if place != topicPredictions {
			c.elsewhere[place]++
		}
	}
	if places[topicPredictions] == 0 {
		return
	}
	c.predicted++
	if age, ok := ageAtKill(copies[0].at, kills); ok && age <= inFlight {
		c.bound++
	}
	if len(copies) > 1 {
		c.repeats(copies, kills)
	}
}

// repeats looks for the kill between every two copies of a prediction.
func (c *counts) repeats(copies []ending, kills []time.Time) {
	c.duplicated++
	excused := true
	for i := 1; i < len(copies); i++ {
		age, ok := ageAtKill(copies[i-1].at, kills)
		if !ok || age > inFlight || copies[i].at.Before(copies[i-1].at.Add(age)) {
			excused = false
		}
		c.oldest = max(c.oldest, age)
	}
	if !excused {
		c.unexcused++
	}
}

// ageAtKill is how long before the next kill something was written.
func ageAtKill(written time.Time, kills []time.Time) (time.Duration, bool) {
	for _, kill := range kills {
		if age := kill.Sub(written); age >= 0 {
			return age, true
		}
	}
	return 0, false
}

// disorder counts first predictions behind one of a later event of their key.
func disorder(b *books) int {
	wrong := 0
	newest := map[string]int64{}
	for _, source := range b.order {
		partition, offset := position(source)
		key := fmt.Sprint(partition, " ", b.keys[source])
		before, known := newest[key]
		if known && offset < before {
			wrong++
			continue
		}
		newest[key] = offset
	}
	return wrong
}

// position reads topic:partition:offset of a topic without colons in its name.
func position(source string) (partition, offset int64) {
	_, _ = fmt.Sscanf(source, topicEvents+":%d:%d", &partition, &offset)
	return partition, offset
}

// firstAfter is, for each kill that was followed by a prediction before the
// next one, how long that took.
func firstAfter(b *books, kills []time.Time) []time.Duration {
	var all []time.Time
	for _, copies := range b.endings {
		for _, one := range copies {
			all = append(all, one.at)
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	var took []time.Duration
	for i, kill := range kills {
		n, _ := slices.BinarySearchFunc(all, kill, time.Time.Compare)
		if n == len(all) || i+1 < len(kills) && !all[n].Before(kills[i+1]) {
			continue
		}
		took = append(took, all[n].Sub(kill))
	}
	return took
}

func (c *counts) row() row {
	return row{
		{"run", c.what}, {"kills", c.kills}, {"sent", c.sent}, {"accepted", c.accepted}, {"unknown", c.unknown}, {"not sent", c.failed},
		{"in events", c.events}, {"predicted", c.predicted}, {"lost", c.lost + c.missing}, {"shed", c.elsewhere[topicShed]},
		{"dead-lettered", c.elsewhere[topicDeadLetters]}, {"two places", c.twoPlaces}, {"reordered", c.reordered}, {"rules broken", c.rules},
		{"duplicated", c.duplicated}, {"in flight at a kill (bound)", c.bound}, {"oldest duplicate at its kill", milliseconds(c.oldest)},
		{"first prediction after a kill, worst", seconds(slices.Max(append(c.restarts, 0)))},
	}
}

// judge is what was promised.
func (c *counts) judge(r *report) {
	r.require(c.accepted > 0, "nothing was accepted")
	r.require(c.missing == 0, "%d accepted events are not in the topic where the answer said", c.missing)
	r.require(c.lost == 0, "%d events of the topic ended nowhere", c.lost)
	r.require(c.repeated == 0, "%d records of events repeat an id that was sent once", c.repeated)
	r.require(c.predicted == c.events, "%d of %d events are not predicted", c.events-c.predicted, c.events)
	r.require(len(c.elsewhere) == 0, "events ended in %s", listed(c.elsewhere))
	r.require(c.twoPlaces == 0, "%d events ended in two places", c.twoPlaces)
	r.require(c.strange == 0, "%d endings of events that are not in the topic", c.strange)
	r.require(c.reordered == 0, "%d predictions behind a later event of their key", c.reordered)
	r.require(c.unexcused == 0, "%d events predicted twice were not in flight (%s) at a kill", c.unexcused, inFlight)
	r.require(c.duplicated <= c.bound, "%d events predicted twice, but only %d in flight at a kill", c.duplicated, c.bound)
}
