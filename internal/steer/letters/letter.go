package letters

import (
	"strconv"
	"time"

	"betimes/internal/event"
)

// Letter is one event that could not be processed, without its bytes.
type Letter struct {
	ID     string
	At     event.Source   // its own record, the first if there are copies
	Copies []event.Source // further records of the same ending: a worker crashed before its commit
	Source event.Source   // the record the event came from; zero when the letter does not say
	Origin event.Source   // the record it first came in, before any replay; else Source
	Key    []byte
	Bytes  int // of the payload as the letter has it

	Reason   event.Reason
	Stage    string
	Error    string
	Attempts int

	Recorded    time.Time
	FirstFailed time.Time // zero: the letter does not say
	LastFailed  time.Time
	Replays     []Round // how earlier rounds of this event ended, oldest first

	Handled *Handled // nil: open
}

// parse reads what a record says of itself.
func parse(e *event.Event) Letter {
	l := Letter{
		ID: e.OwnID(), At: e.Source, Key: e.Key, Bytes: len(e.Value), Recorded: e.Recorded,
		Reason: event.Reason(plain(e.Header(event.HeaderReason))), Stage: plain(e.Header(event.HeaderStage)),
		Error: plain(e.Header(event.HeaderError)), Replays: parseRounds(e.Header(event.HeaderReplays)),
	}
	l.Source, _ = event.ParseSource(string(e.Header(event.HeaderSource)))
	l.Origin = l.Source
	if first, ok := event.ParseSource(string(e.Header(event.HeaderOrigin))); ok {
		l.Origin = first
	}
	l.Attempts, _ = strconv.Atoi(string(e.Header(event.HeaderAttempts)))
	l.FirstFailed, _ = time.Parse(time.RFC3339Nano, string(e.Header(event.HeaderFirstFailed)))
	l.LastFailed, _ = time.Parse(time.RFC3339Nano, string(e.Header(event.HeaderLastFailed)))
	if l.ID == "" {
		l.ID = l.At.String()
	}
	return l
}

// records are all records of the letter.
func (l *Letter) records() []event.Source {
	return append([]event.Source{l.At}, l.Copies...)
}

// foreign tells whether a header is the sender's own, not one that says how
// this round went.
func foreign(name string) bool {
	switch name {
	case event.HeaderID, event.HeaderSource, event.HeaderReason, event.HeaderStage, event.HeaderAttempts, event.HeaderTimeline, event.HeaderDeadline,
		event.HeaderFirstFailed, event.HeaderLastFailed, event.HeaderError, event.HeaderDecisions, event.HeaderReplays, event.HeaderOrigin:
		return false
	}
	return true
}

// plain gives a header as one line of printable ASCII: anybody may write one,
// and it is shown on a terminal.
func plain(header []byte) string {
	b := make([]byte, len(header))
	for i, c := range header {
		if c < ' ' || c > '~' {
			c = '?'
		}
		b[i] = c
	}
	return string(b)
}
