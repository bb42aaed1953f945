package stream

import (
	"maps"
	"slices"
	"strings"
	"time"

	"betimes/internal/event"
	"betimes/internal/setting"
)

// ErrorConfig is what is done about events that fail for one reason.
type ErrorConfig struct {
	Attempts int           `yaml:"attempts" doc:"How often an event is tried that fails for this reason; default: attempts of the stream. Only for model_error and bad_model_output: after another reason an event is not tried again."`
	Backoff  BackoffConfig `yaml:"backoff" doc:"Wait between these attempts; default: backoff of the stream."`
	Then     string        `yaml:"then" doc:"What becomes of the event: dead_letter, park (as with poison: park) or halt (its partition stops at it, and is tried again when it is assigned anew, for example after a restart). A prediction that its topic has no room for parks nothing and is a dead letter: those behind it may be written by then. Default: as poison says."`
}

// The values of errors.NAME.then.
const (
	thenDeadLetter = "dead_letter"
	thenPark       = "park"
	thenHalt       = "halt"
)

// faults are the reasons for which an event fails, and whether it is tried again.
func faults() map[event.Reason]bool {
	return map[event.Reason]bool{
		event.ReasonModelError: true, event.ReasonBadModelOutput: true,
		event.ReasonUndecodable: false, event.ReasonFeature: false, event.ReasonModelInput: false, event.ReasonTooLarge: false,
		event.ReasonRoute: false, event.ReasonInternal: false,
	}
}

// Parks says whether keys may be parked.
func (c Config) Parks() bool {
	parks := func(e ErrorConfig) bool { return e.Then == thenPark }
	return c.Poison == poisonPark || slices.ContainsFunc(slices.Collect(maps.Values(c.Errors)), parks)
}

// then is what becomes of an event that failed for a reason.
func (c Config) then(reason event.Reason) string {
	switch e := c.Errors[string(reason)]; {
	case e.Then != "":
		return e.Then
	case c.Poison == poisonPark:
		return thenPark
	}
	return thenDeadLetter
}

// tries is how often an event is tried that fails for a reason.
func (c Config) tries(reason event.Reason) int {
	if n := c.Errors[string(reason)].Attempts; n > 0 {
		return n
	}
	return c.Attempts
}

// pauses are the bounds of the wait after a failure.
func (c Config) pauses(reason event.Reason) (least, most time.Duration) {
	b := c.Errors[string(reason)].Backoff
	if b == (BackoffConfig{}) {
		b = c.Backoff
	}
	return b.Min, b.Max
}

// validateErrors notes what is wrong with the policies.
func (c Config) validateErrors(ps *setting.Problems) {
	known := faults()
	for _, name := range slices.Sorted(maps.Keys(c.Errors)) {
		again, ok := known[event.Reason(name)]
		if !ok {
			ps.Add("errors."+name, "%q is no reason for which an event fails; use %s", name, strings.Join(names(known), ", "))
			continue
		}
		var own setting.Problems
		c.Errors[name].validate(&own, c, again)
		ps.Under("errors."+name, own)
	}
}

func names(known map[event.Reason]bool) []string {
	var all []string
	for reason := range known {
		all = append(all, string(reason))
	}
	slices.Sort(all)
	return all
}

func (e ErrorConfig) validate(ps *setting.Problems, c Config, again bool) {
	if e.Then != "" {
		ps.OneOf("then", e.Then, thenDeadLetter, thenPark, thenHalt)
	}
	switch {
	case e.Then == thenPark && c.Order != orderKey:
		ps.Add("then", "park keeps the order of keys, which order: %s does not; set order: key, or then: %s", c.Order, thenDeadLetter)
	case e.Then == thenHalt && c.Protocol == protocolShare:
		ps.Add("then", "halt stops a partition, which members of a share group do not own; use %s", thenDeadLetter)
	}
	switch {
	case e.Attempts < 0:
		ps.Add("attempts", "%d is less than 1; an event is tried at least once", e.Attempts)
	case !again && e.Attempts > 1, !again && e.Backoff != (BackoffConfig{}):
		ps.Add("attempts", "an event that fails for this reason is not tried again: it would fail again; remove attempts and backoff")
	case e.Backoff != (BackoffConfig{}):
		e.Backoff.validate(ps)
	}
}

func (b BackoffConfig) validate(ps *setting.Problems) {
	ps.Positive("backoff.min", b.Min)
	if b.Max < b.Min {
		ps.Add("backoff.max", "%s is less than backoff.min of %s; raise it", b.Max, b.Min)
	}
}
