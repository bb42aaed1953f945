package event

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// Names of the record headers that betimes writes and reads. All values are ASCII.
const (
	HeaderID          = "betimes-id"
	HeaderDeadline    = "betimes-deadline" // absolute, Unix microseconds
	HeaderTimeline    = "betimes-timeline" // t0=<unix µs>;gateway=<µs>;…
	HeaderSource      = "betimes-source"   // topic:partition:offset
	HeaderFormat      = "betimes-format"   // of a prediction: 1
	HeaderReason      = "betimes-reason"   // stable code, see Reason
	HeaderError       = "betimes-error"
	HeaderStage       = "betimes-stage"
	HeaderAttempts    = "betimes-attempts"
	HeaderFirstFailed = "betimes-first-failed" // RFC 3339
	HeaderLastFailed  = "betimes-last-failed"  // RFC 3339
	HeaderDecisions   = "betimes-decisions"
	HeaderPriority    = "betimes-priority" // 0 low … 9
	HeaderReplays     = "betimes-replays"  // how earlier rounds of a replayed event ended
	HeaderOrigin      = "betimes-origin"   // of a replayed event: the record it first came in
	HeaderContentType = "content-type"
)

// Header is one record header. Headers of others pass through untouched.
type Header struct {
	Name  string
	Value []byte
}

// Source names the record an event came from. The zero Source (empty Topic)
// means that the event has not been written to a broker yet.
type Source struct {
	Topic     string
	Partition int32
	Offset    int64
}

// String gives topic:partition:offset, the form of the header betimes-source.
func (s Source) String() string {
	return s.Topic + ":" + strconv.Itoa(int(s.Partition)) + ":" + strconv.FormatInt(s.Offset, 10)
}

// AppendTo appends what String gives.
func (s Source) AppendTo(b []byte) []byte {
	b = append(append(b, s.Topic...), ':')
	b = append(strconv.AppendInt(b, int64(s.Partition), 10), ':')
	return strconv.AppendInt(b, s.Offset, 10)
}

// ParseSource reads what String gives.
func ParseSource(s string) (Source, bool) {
	i := strings.LastIndexByte(s, ':')
	j := strings.LastIndexByte(s[:max(i, 0)], ':')
	if j < 1 {
		return Source{}, false
	}
	offset, err1 := strconv.ParseInt(s[i+1:], 10, 64)
	partition, err2 := strconv.ParseInt(s[j+1:i], 10, 32)
	if err1 != nil || err2 != nil || offset < 0 || partition < 0 {
		return Source{}, false
	}
	return Source{Topic: s[:j], Partition: int32(partition), Offset: offset}, true
}

// Event is one thing to predict, on its way from the sender to its ending.
// Exactly one goroutine owns an Event at a time; the owner marks and decides.
type Event struct {
	ID          string
	Key         []byte // order is kept per key; empty: the event is its own key
	Value       []byte // the payload as sent, unless preprocess changed it
	Headers     []Header
	ContentType string
	Priority    int // 0 low … 9; 5 when the sender said nothing

	Source   Source
	Backlog  bool      // it was in the log before this worker got the partition
	Attempts int       // calls begun for this event, by this worker
	Failed   time.Time // when its newest attempt failed; zero: none did

	Recorded  time.Time // the record's timestamp; zero before the broker
	Appended  bool      // Recorded is when the broker appended it, not when it was sent
	Fetched   time.Time // when a worker's fetch brought it
	EventTime time.Time // the sender's own time of the event; zero when unknown
	Received  time.Time // when its clock started
	Deadline  time.Time // absolute; zero when it has none

	Timeline  Timeline
	Decisions Decisions

	// Settled, when set, is called exactly once after a Handler returned nil:
	// with the record's Source once every in-sync replica has it, or with the
	// reason why it is not durable.
	Settled func(Source, error)
}

// Header returns the first header of that name, or nil.
func (e *Event) Header(name string) []byte {
	for i := range e.Headers {
		if e.Headers[i].Name == name {
			return e.Headers[i].Value
		}
	}
	return nil
}

// MaxIDBytes bounds an event's id.
const MaxIDBytes = 128

// OwnID is the id that the record's own header gives, or "": a foreign header
// that is no plain, short, printable text names nothing.
func (e *Event) OwnID() string {
	id := e.Header(HeaderID)
	if len(id) == 0 || len(id) > MaxIDBytes {
		return ""
	}
	for _, c := range id {
		if c <= ' ' || c > '~' {
			return ""
		}
	}
	return string(id)
}

// Origin is the offset at which this event first came into its partition: that of
// its record, or, when it was replayed, of the one that its header names.
func (e *Event) Origin() (offset int64, replayed bool) {
	first, ok := ParseSource(string(e.Header(HeaderOrigin)))
	if !ok || first.Topic != e.Source.Topic || first.Partition != e.Source.Partition || first.Offset >= e.Source.Offset {
		return e.Source.Offset, false
	}
	return first.Offset, true
}

// Late says whether now is past the event's deadline.
func (e *Event) Late(now time.Time) bool {
	return !e.Deadline.IsZero() && now.After(e.Deadline)
}

// Handler takes events, in order. When Handle returns nil the event is taken
// and e.Settled will be told how it went; when it returns an error the event
// was not taken and Settled is not called.
type Handler interface {
	Handle(ctx context.Context, e *Event) error
}
