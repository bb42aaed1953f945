package letters

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"betimes/internal/event"
)

// maxRounds bounds the header betimes-replays: the newest rounds are kept.
const maxRounds = 16

// Round is how one round of an event ended before it was replayed.
type Round struct {
	Replayed    time.Time    `json:"replayed"` // when the next round began
	Letter      string       `json:"letter"`   // topic:partition:offset
	Reason      event.Reason `json:"reason"`
	Stage       string       `json:"stage"`
	Attempts    int          `json:"attempts"`
	FirstFailed time.Time    `json:"first_failed,omitzero"`
	LastFailed  time.Time    `json:"last_failed,omitzero"`
}

// appendRounds appends the header betimes-replays: at=…,letter=…,reason=…,
// stage=…,attempts=…,first=…,last=…;… with RFC 3339 times.
func appendRounds(b []byte, rounds []Round) []byte {
	if len(rounds) > maxRounds {
		rounds = rounds[len(rounds)-maxRounds:]
	}
	for i, r := range rounds {
		if i > 0 {
			b = append(b, ';')
		}
		b = appendTime(append(b, "at="...), r.Replayed)
		b = appendWord(append(b, ",letter="...), r.Letter)
		b = appendWord(append(b, ",reason="...), string(r.Reason))
		b = appendWord(append(b, ",stage="...), r.Stage)
		b = strconv.AppendInt(append(b, ",attempts="...), int64(r.Attempts), 10)
		b = appendTime(append(b, ",first="...), r.FirstFailed)
		b = appendTime(append(b, ",last="...), r.LastFailed)
	}
	return b
}

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return t.UTC().AppendFormat(b, time.RFC3339Nano)
}

// maxWord bounds a name within the header; topic names have up to 249 bytes.
const maxWord = 280

// appendWord replaces what would break the header's form.
func appendWord(b []byte, s string) []byte {
	for i := range min(len(s), maxWord) {
		c := s[i]
		if c <= ' ' || c > '~' || c == ';' || c == ',' || c == '=' {
			c = '_'
		}
		b = append(b, c)
	}
	return b
}

// parseRounds reads the header; what it does not know is left out.
func parseRounds(header []byte) []Round {
	var rounds []Round
	for one := range bytes.SplitSeq(header, []byte{';'}) {
		var r Round
		for field := range bytes.SplitSeq(one, []byte{','}) {
			name, value, _ := strings.Cut(plain(field), "=")
			r.set(name, value)
		}
		if r != (Round{}) {
			rounds = append(rounds, r)
		}
	}
	return rounds[max(0, len(rounds)-maxRounds):]
}

func (r *Round) set(name, value string) {
	switch name {
	case "at":
		r.Replayed, _ = time.Parse(time.RFC3339Nano, value)
	case "letter":
		r.Letter = value
	case "reason":
		r.Reason = event.Reason(value)
	case "stage":
		r.Stage = value
	case "attempts":
		r.Attempts, _ = strconv.Atoi(value)
	case "first":
		r.FirstFailed, _ = time.Parse(time.RFC3339Nano, value)
	case "last":
		r.LastFailed, _ = time.Parse(time.RFC3339Nano, value)
	}
}

// rounds is the history that the letter's event has when it is replayed at now.
func (l *Letter) rounds(now time.Time) []Round {
	return append(l.Replays[:len(l.Replays):len(l.Replays)], Round{
		Replayed: now, Letter: l.At.String(), Reason: l.Reason, Stage: l.Stage, Attempts: l.Attempts,
		FirstFailed: l.FirstFailed, LastFailed: l.LastFailed,
	})
}
