package letters

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"betimes/internal/event"
	"betimes/internal/privacy"
)

// View is a letter as people may see it.
type View struct {
	ID          string       `json:"id"`
	Letter      string       `json:"letter"` // topic:partition:offset of its record
	Copies      int          `json:"copies,omitempty"`
	State       string       `json:"state"` // open · replayed · dropped
	Into        string       `json:"into,omitempty"`
	Reason      event.Reason `json:"reason"`
	Stage       string       `json:"stage"`
	Attempts    int          `json:"attempts"`
	Key         string       `json:"key"`
	Source      string       `json:"source,omitempty"` // of the event
	Recorded    time.Time    `json:"recorded"`
	FirstFailed time.Time    `json:"first_failed,omitzero"`
	LastFailed  time.Time    `json:"last_failed,omitzero"`
	Error       string       `json:"error,omitempty"`
	Bytes       int          `json:"bytes"`
	Replays     []Round      `json:"replays,omitempty"`

	Headers []HeaderView `json:"headers,omitempty"` // of one letter that is shown
	Payload string       `json:"payload,omitempty"`
}

// HeaderView is one header of the sender's own.
type HeaderView struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// NewView shows a letter as far as the policy allows.
func NewView(l *Letter, p privacy.Policy) View {
	v := View{
		ID: l.ID, Letter: l.At.String(), Copies: len(l.Copies), State: "open", Reason: l.Reason, Stage: l.Stage, Attempts: l.Attempts,
		Key: plain([]byte(p.Key(l.Key))), Recorded: l.Recorded.UTC(), FirstFailed: l.FirstFailed, LastFailed: l.LastFailed,
		Error: l.Error, Bytes: l.Bytes, Replays: l.Replays,
	}
	if l.Source.Topic != "" {
		v.Source = l.Source.String()
	}
	if l.Handled != nil {
		v.State, v.Into = string(l.Handled.Deed), l.Handled.Into
	}
	return v
}

// maxPayload bounds what is shown of a payload.
const maxPayload = 4096

// With adds what only the record of the letter knows.
func (v View) With(e *event.Event, p privacy.Policy) View {
	for _, h := range e.Headers {
		if !foreign(h.Name) {
			continue
		}
		value := p.Payload(h.Value, maxPayload)
		switch h.Name {
		case event.HeaderContentType, event.HeaderPriority, "traceparent":
			value = plain(h.Value)
		}
		v.Headers = append(v.Headers, HeaderView{plain([]byte(h.Name)), value})
	}
	v.Payload = p.Payload(e.Value, maxPayload)
	return v
}

// WriteTable writes one line for each letter.
func WriteTable(w io.Writer, views []View, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tREASON\tSTAGE\tATTEMPTS\tKEY\tAGE\tSOURCE\tSTATE")
	for _, v := range views {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", privacy.Plain(v.ID), cmp.Or(string(v.Reason), "?"), cmp.Or(v.Stage, "?"), v.Attempts,
			v.Key, age(now.Sub(v.Recorded)), cmp.Or(v.Source, "?"), v.State)
	}
	return t.Flush()
}

// WriteText writes all that is shown of one letter.
func (v View) WriteText(w io.Writer, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t, "%s\t%s\n", privacy.Plain(name), privacy.Lines(value))
		}
	}
	line("id", v.ID)
	state := v.State
	if v.Into != "" {
		state += " as " + v.Into
	}
	line("state", state)
	line("reason", string(v.Reason))
	line("error", v.Error)
	line("stage", v.Stage)
	line("attempts", fmt.Sprint(v.Attempts))
	line("failed", span(v.FirstFailed, v.LastFailed))
	line("key", v.Key)
	line("letter", v.Letter+", "+age(now.Sub(v.Recorded))+" ago")
	if v.Copies > 0 {
		line("copies", fmt.Sprintf("%d more of the same ending", v.Copies))
	}
	line("source", v.Source)
	for i, r := range v.Replays {
		line(fmt.Sprintf("round %d", i+1), fmt.Sprintf("%s in %s after %d attempts (%s), replayed %s", r.Reason, r.Stage, r.Attempts, r.Letter, r.Replayed.Format(time.RFC3339)))
	}
	for _, h := range v.Headers {
		line("header "+h.Name, h.Value)
	}
	line("payload", v.Payload)
	return t.Flush()
}

// span is the time from the first failure to the last.
func span(first, last time.Time) string {
	switch {
	case first.IsZero():
		return ""
	case last.Sub(first) < time.Millisecond:
		return first.Format(time.RFC3339Nano)
	}
	return fmt.Sprintf("%s, again until %s later", first.Format(time.RFC3339Nano), last.Sub(first).Round(time.Millisecond))
}

// age is a duration in its two largest units at most: 17s, 4m, 3h12m, 2d4h.
func age(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}
