package event

import (
	"bytes"
	"errors"
	"strconv"
	"time"
)

// Stage is a named part of the path, in the order of the journey.
type Stage uint8

// The stages. Each Mark ends the stage that it names and begins the next.
const (
	StageGateway Stage = iota // received → checked
	StagePreprocess
	StageProduce // → handed to the producer
	StageBroker  // handed to the producer → fetched
	StageQueue   // → a worker has it: waits for its key and for a free slot
	StageFeature
	StageCache
	StageAdmit
	StageBatch   // waiting for mates and an executor
	StageBalance // waiting for an endpoint
	StageNetwork // the call without the model's own time
	StageModel   // the server's own time, where it says so
	StagePublish // → prediction acknowledged
	StageAsync
	StageRetry // failed attempts and the waits between them
	StageMirror
	NumStages = iota
)

var stageNames = [NumStages]string{
	"gateway", "preprocess", "produce", "broker", "queue", "feature", "cache", "admit",
	"batch", "balance", "network", "model", "publish", "async", "retry", "mirror",
}

// String gives the stage's name in headers, metrics and JSON.
func (s Stage) String() string {
	if int(s) < len(stageNames) {
		return stageNames[s]
	}
	return "stage" + strconv.Itoa(int(s))
}

// StageNamed returns the stage of that name.
func StageNamed(name string) (Stage, bool) {
	for i := range stageNames {
		if stageNames[i] == name {
			return Stage(i), true
		}
	}
	return 0, false
}

// Timeline is the clock of one event: when it started and how many
// microseconds each stage took. The zero Timeline has not started.
type Timeline struct {
	start int64 // Unix µs
	last  int64 // Unix µs of the last mark
	spent [NumStages]int64
	seen  uint32 // bit per stage: it was marked
	skew  bool   // a stage would have been negative: clocks differ
}

// Start begins the clock at t, or restarts it.
func (t *Timeline) Start(at time.Time) {
	*t = Timeline{start: at.UnixMicro(), last: at.UnixMicro()}
}

// Started says whether Start or ParseTimeline set a beginning.
func (t *Timeline) Started() bool { return t.start != 0 }

// Mark ends stage s at the moment at. A mark before the one before it counts
// as zero and notes a skew; the sum then stays what the marks said.
func (t *Timeline) Mark(s Stage, at time.Time) {
	us := at.UnixMicro()
	d := us - t.last
	if d < 0 {
		t.skew = true
		d = 0
	} else {
		t.last = us
	}
	t.spent[s] += d
	t.seen |= 1 << s
}

// Move takes up to d from one stage and gives it to another, marking both. It
// splits a stage that one clock measured with what a server said of its own
// time; the sum does not change.
func (t *Timeline) Move(from, to Stage, d time.Duration) {
	us := min(max(d.Microseconds(), 0), t.spent[from])
	t.spent[from] -= us
	t.spent[to] += us
	t.seen |= 1<<from | 1<<to
}

// Spent returns the time of stage s and whether the event has passed it.
func (t *Timeline) Spent(s Stage) (time.Duration, bool) {
	return time.Duration(t.spent[s]) * time.Microsecond, t.seen&(1<<s) != 0
}

// Total is the sum of all stages.
func (t *Timeline) Total() time.Duration {
	var sum int64
	for _, us := range t.spent {
		sum += us
	}
	return time.Duration(sum) * time.Microsecond
}

// Began is when the clock started.
func (t *Timeline) Began() time.Time { return time.UnixMicro(t.start) }

// Last is the moment of the newest mark, or of the start.
func (t *Timeline) Last() time.Time { return time.UnixMicro(t.last) }

// Skewed says that two clocks disagreed: a stage came out negative and is shown as zero.
func (t *Timeline) Skewed() bool { return t.skew }

// Stages are the microseconds of each stage that the event has passed, by name.
func (t *Timeline) Stages() map[string]int64 {
	all := make(map[string]int64, NumStages)
	for s := range Stage(NumStages) {
		if t.seen&(1<<s) != 0 {
			all[stageNames[s]] = t.spent[s]
		}
	}
	return all
}

// AppendHeader appends the value of the header betimes-timeline.
func (t *Timeline) AppendHeader(b []byte) []byte {
	b = append(b, "t0="...)
	b = strconv.AppendInt(b, t.start, 10)
	for s := range Stage(NumStages) {
		if t.seen&(1<<s) == 0 {
			continue
		}
		b = append(b, ';')
		b = append(b, stageNames[s]...)
		b = append(b, '=')
		b = strconv.AppendInt(b, t.spent[s], 10)
	}
	return b
}

// MaxTimelineBytes bounds the header betimes-timeline; longer ones are refused.
const MaxTimelineBytes = 512

// errTimeline tells why a header is not a timeline.
var errTimeline = errors.New("timeline header is not t0=<unix µs>;stage=<µs>;…")

// ParseTimeline reads the header betimes-timeline. A stage that this version
// does not know counts as preprocess, so that the sum stays right. On error
// the Timeline is unusable.
func ParseTimeline(header []byte) (Timeline, error) {
	var t Timeline
	if len(header) > MaxTimelineBytes {
		return t, errTimeline
	}
	first := true
	for len(header) > 0 {
		var field []byte
		field, header, _ = bytes.Cut(header, []byte{';'})
		name, digits, ok := bytes.Cut(field, []byte{'='})
		if !ok {
			return Timeline{}, errTimeline
		}
		n, err := strconv.ParseInt(string(digits), 10, 64)
		if err != nil || n < 0 || n > 1<<53 {
			return Timeline{}, errTimeline
		}
		if first {
			if string(name) != "t0" || n == 0 {
				return Timeline{}, errTimeline
			}
			t.start, t.last, first = n, n, false
			continue
		}
		s, known := StageNamed(string(name))
		if !known {
			s = StagePreprocess // a stage of a newer version lies before the broker
		}
		if t.last > 1<<53-n {
			return Timeline{}, errTimeline
		}
		t.spent[s] += n
		t.last += n
		t.seen |= 1 << s
	}
	if first {
		return Timeline{}, errTimeline
	}
	return t, nil
}
