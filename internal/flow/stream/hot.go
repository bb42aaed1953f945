package stream

import (
	"cmp"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/pulse"
)

// How the keys with the most events are found.
const (
	hotKeys    = 32               // counted at once: one that has more than a 32nd of the events is among them
	hotBytes   = 256              // of a key that are kept, or of what is shown of a longer one
	hotFade    = 10 * time.Second // in which what was counted fades to a third
	hotShare   = 0.05             // of the events that a key has which is told
	hotTold    = 3                // keys at most
	hotAtLeast = 20               // events, or nothing is told of a key
)

// hot counts which keys have most of the newest events, in bounded memory: a key that
// is not counted takes the place of the one with the fewest (the space-saving of
// Metwally, Agrawal and El Abbadi, 2005). What a key may owe to those before it is
// known and not told, so a key has at least as many events as is said. p.mu guards it.
type hot struct {
	show   func(key []byte) string // as much of it as may be told; nil: none is told
	lanes  [hotKeys]uint64         // apart from the rest, so that looking one up is quick
	counts [hotKeys]float64
	keys   [hotKeys]hotKey
	used   int
	total  float64
	began  time.Time // when the first event came
	faded  time.Time
}

// hotKey is what else is known of a counted key.
type hotKey struct {
	key   []byte
	shown string // of a longer one: it is not kept
	of    kafka.Partition
	owed  float64 // at most so many of its count are of those before it
}

// add counts an event of a key.
func (h *hot) add(lane uint64, e *event.Event) {
	if h.total++; h.began.IsZero() {
		h.began, h.faded = e.Fetched, e.Fetched
	}
	if len(e.Key) == 0 {
		return
	}
	if at := slices.Index(h.lanes[:h.used], lane); at >= 0 {
		h.counts[at]++
		return
	}
	at := h.used
	if at < hotKeys {
		h.used++
	} else {
		at = h.least()
	}
	one := &h.keys[at]
	h.keep(one, e.Key)
	one.of = kafka.Partition{Topic: e.Source.Topic, Number: e.Source.Partition}
	one.owed = h.counts[at]
	h.lanes[at] = lane
	h.counts[at]++
}

// keep keeps what is told of a key. The hash of a long one is that of all of it, as
// elsewhere.
func (h *hot) keep(one *hotKey, key []byte) {
	one.key, one.shown = one.key[:0], ""
	switch {
	case len(key) <= hotBytes:
		one.key = append(one.key, key...)
	case h.show != nil:
		one.shown = beginning(h.show(key))
	}
}

// beginning is as much of a text as is kept.
func beginning(text string) string {
	if len(text) <= hotBytes {
		return text
	}
	end := hotBytes
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// least is where the fewest are counted.
func (h *hot) least() int {
	at := 0
	for i, n := range h.counts {
		if n < h.counts[at] {
			at = i
		}
	}
	return at
}

// fade lets what was counted count less as time goes by; a pulse a second calls it.
func (h *hot) fade(now time.Time) {
	by := math.Exp(-max(now.Sub(h.faded).Seconds(), 0) / hotFade.Seconds())
	h.faded = now
	h.total *= by
	for i := range h.used {
		h.counts[i] *= by
		h.keys[i].owed *= by
	}
}

// span is how many seconds what is counted stands for.
func (h *hot) span(now time.Time) float64 {
	since := max(now.Sub(h.began).Seconds(), 1)
	return hotFade.Seconds() * (1 - math.Exp(-since/hotFade.Seconds()))
}

// tellKeys says which keys have most of the events, and how many wait for each. p.mu is
// held.
func (p *Processor) tellKeys(into *pulse.Pulse, now time.Time) {
	h := &p.hot
	if h.began.IsZero() {
		return
	}
	h.fade(now)
	span := h.span(now)
	into.TakenPerS = h.total / span
	if h.show == nil {
		return
	}
	for i, one := range h.keys[:h.used] {
		n := h.counts[i] - one.owed
		if p.parts[one.of] == nil || n < hotAtLeast || n < hotShare*h.total {
			continue
		}
		text := one.shown
		if text == "" {
			text = h.show(one.key)
		}
		into.Keys = append(into.Keys, pulse.Key{
			Key: text, Partition: one.of.Number, PerS: n / span, Waiting: p.lanes[h.lanes[i]].waiting(),
		})
	}
	slices.SortFunc(into.Keys, func(a, b pulse.Key) int { return cmp.Compare(b.PerS, a.PerS) })
	into.Keys = into.Keys[:min(len(into.Keys), hotTold)]
}
