package verify

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// Counts is what was counted.
type Counts struct {
	Sent    int64 `json:"sent"` // by the ledger
	OK      int64 `json:"ok"`
	Failed  int64 `json:"failed"`
	Unknown int64 `json:"unknown"`

	Events   int64            `json:"events"`   // records in the topic of events
	Repeated int64            `json:"repeated"` // … of an id that was there before
	Replays  int64            `json:"replays"`  // … that are dead letters sent home
	Ended    int64            `json:"ended"`    // events with an ending
	Waiting  int64            `json:"waiting"`  // … without one
	Parked   int64            `json:"parked"`   // … that were put aside for their key
	Places   [numPlaces]int64 `json:"-"`

	Duplicated int64 `json:"duplicated"` // events that ended again
	Unexcused  int64 `json:"unexcused"`  // endings again that no fault explains
	TwoPlaces  int64 `json:"two_places"`
	Reordered  int64 `json:"reordered"`
	Bare       int64 `json:"bare"` // dead letters whose bytes were too large to keep
	Calls      int64 `json:"calls"`

	Gone    int64 `json:"gone"`    // sends and endings whose event retention has removed
	Aborted int64 `json:"aborted"` // records of aborted transactions
	Open    int64 `json:"open"`    // … of transactions without an end
}

// Violation is one place where a rule is broken. It shows no payload and no key.
type Violation struct {
	Rule   Rule   `json:"rule"`
	ID     string `json:"id,omitempty"` // hash of the event's id
	At     string `json:"at,omitempty"` // topic:partition:offset
	Detail string `json:"detail,omitempty"`
}

// Partition is one partition as it was read: a later reading of the same offsets
// has the same Digest, or something was changed.
type Partition struct {
	Topic  string `json:"topic"`
	Number int32  `json:"partition"`
	Start  int64  `json:"start"`
	End    int64  `json:"end"`
	Digest string `json:"digest"`
}

func (p Partition) at() kafka.Partition { return kafka.Partition{Topic: p.Topic, Number: p.Number} }

// Verdict is what a Checker found.
type Verdict struct {
	Counts     Counts           `json:"counts"`
	Places     map[string]int64 `json:"places"`
	Broken     map[Rule]int     `json:"broken"` // how often, of those that are
	Violations []Violation      `json:"violations"`
	WorstLag   time.Duration    `json:"worst_lag_ns"` // from the answer (else the record's time) to the ending
	WorstAt    string           `json:"worst_at,omitempty"`
	Torn       bool             `json:"torn_ledger,omitempty"`
	Partitions []Partition      `json:"partitions"`
}

// Total is how often rules are broken.
func (v *Verdict) Total() int {
	n := 0
	for _, one := range v.Broken {
		n += one
	}
	return n
}

// findings are violations so far.
type findings struct {
	keep  int
	count map[Rule]int
	list  []Violation
}

func newFindings(keep int) *findings { return &findings{keep: keep, count: map[Rule]int{}} }

func (f *findings) clone() *findings {
	return &findings{f.keep, maps.Clone(f.count), slices.Clone(f.list)}
}

// add counts a violation and keeps the first of each rule.
func (f *findings) add(rule Rule, id uint64, at event.Source, detail string) {
	f.count[rule]++
	if f.count[rule] > f.keep {
		return
	}
	v := Violation{Rule: rule, Detail: detail}
	if id != 0 {
		v.ID = fmt.Sprintf("#%016x", id)
	}
	if at.Topic != "" {
		v.At = at.String()
	}
	f.list = append(f.list, v)
}

// placeNames are those of places, as in the topics.
var placeNames = [numPlaces]string{"predictions", "dead-letters", "quarantine", "shed", "parked"}

// Verdict judges, once all was told. More may be told and judged again later.
func (c *Checker) Verdict() Verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finish()
	v := Verdict{Counts: c.counts, Places: map[string]int64{}}
	v.Counts.Waiting = c.waiting
	for p, n := range c.counts.Places {
		v.Places[placeNames[p]] = n
	}
	j := judge{c, c.found.clone(), &v}
	j.sends()
	j.events()
	j.orphaned()
	j.logs()
	j.against()
	j.progress()
	if c.counts.Sent == 0 && c.counts.Events == 0 || c.counts.OK > 0 && c.counts.Events == 0 {
		j.add(NothingToJudge, 0, event.Source{}, fmt.Sprintf("%d sends, %d events", c.counts.Sent, c.counts.Events))
	}
	v.Broken, v.Violations = j.count, j.list
	order := Rules()
	slices.SortStableFunc(v.Violations, func(a, b Violation) int { return slices.Index(order, a.Rule) - slices.Index(order, b.Rule) })
	return v
}
