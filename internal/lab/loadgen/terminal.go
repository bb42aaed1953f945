package loadgen

import (
	"strconv"
	"strings"

	"betimes/internal/event"
)

// Topics are the names of the terminal topics. An empty one is not read.
type Topics struct {
	Predictions, DeadLetters, Quarantine, Shed, Parked string
}

// All lists the topics to tail.
func (t Topics) All() []string {
	var list []string
	for _, name := range []string{t.Predictions, t.DeadLetters, t.Quarantine, t.Shed, t.Parked} {
		if name != "" {
			list = append(list, name)
		}
	}
	return list
}

// place says where a record of a topic has ended.
func (t Topics) place(topic string) (event.Place, bool) {
	switch topic {
	case "":
		return 0, false
	case t.Predictions:
		return event.Predicted, true
	case t.DeadLetters:
		return event.DeadLetter, true
	case t.Quarantine:
		return event.Quarantined, true
	case t.Shed:
		return event.Shed, true
	case t.Parked:
		return event.Parked, true
	}
	return 0, false
}

// number gives the number of an id of this run.
func (t *Tracker) number(e *event.Event) (int, bool) {
	id := e.ID
	if h := e.Header(event.HeaderID); h != nil {
		id = string(h)
	}
	digits, ours := strings.CutPrefix(id, t.prefix)
	if !ours {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && n >= 0 && n < maxEvents
}

// parseSource reads topic:partition:offset.
func parseSource(header []byte) (topic string, partition int32, offset int64, ok bool) {
	text := string(header)
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return "", 0, 0, false
	}
	offset, err := strconv.ParseInt(text[at+1:], 10, 64)
	if err != nil {
		return "", 0, 0, false
	}
	text = text[:at]
	if at = strings.LastIndexByte(text, ':'); at < 0 {
		return "", 0, 0, false
	}
	n, err := strconv.ParseInt(text[at+1:], 10, 32)
	return text[:at], int32(n), offset, err == nil
}
