package rollout

import (
	"context"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"betimes/internal/event"
)

// Topics are the brokers, as far as training reads from them.
type Topics interface {
	// Offsets gives the first and the next offset of each partition.
	Offsets(ctx context.Context, topic string) (start, end map[int32]int64, err error)
	// Read gives the records of the ranges to each, in order within a partition.
	Read(ctx context.Context, topic string, ranges Ranges, each func(*event.Event) error) error
}

// Range are offsets of a partition, From inclusive, To exclusive.
type Range struct{ From, To int64 }

// Ranges are exactly what is read of a topic.
type Ranges map[int32]Range

// String is as it stands in train.data, behind the @.
func (r Ranges) String() string {
	var parts []string
	for _, p := range slices.Sorted(maps.Keys(r)) {
		parts = append(parts, fmt.Sprintf("%d:%d-%d", p, r[p].From, r[p].To))
	}
	return strings.Join(parts, ",")
}

const topicScheme = "topic:"

func isTopic(data string) bool { return strings.HasPrefix(data, topicScheme) }

var rangeForm = regexp.MustCompile(`^(\d{1,9}):(\d{1,18})-(\d{1,18})$`)

// parseTopic takes topic:NAME@0:5-17,1:0-9 apart; without @ there are no ranges.
func parseTopic(data string) (name string, ranges Ranges, err error) {
	name, text, exact := strings.Cut(strings.TrimPrefix(data, topicScheme), "@")
	if name == "" {
		return "", nil, fmt.Errorf("%q names no topic; write topic:NAME, or topic:NAME@0:FROM-TO,1:FROM-TO", data)
	}
	if !exact {
		return name, nil, nil
	}
	ranges = Ranges{}
	for part := range strings.SplitSeq(text, ",") {
		m := rangeForm.FindStringSubmatch(part)
		if m == nil {
			return "", nil, fmt.Errorf("%q is no range of offsets; write PARTITION:FROM-TO, for example 0:0-1200", part)
		}
		p, _ := strconv.ParseInt(m[1], 10, 32) // of digits that fit
		from, _ := strconv.ParseInt(m[2], 10, 64)
		to, _ := strconv.ParseInt(m[3], 10, 64)
		if _, twice := ranges[int32(p)]; twice || from > to {
			return "", nil, fmt.Errorf("%q names a partition twice or ends before it begins", part)
		}
		ranges[int32(p)] = Range{from, to}
	}
	return name, ranges, nil
}

// cutTopic settles what is read of a topic: all there is now, or exactly what
// was named, if it is still there.
func (r *run) cutTopic(ctx context.Context, data string) (name string, ranges Ranges, err error) {
	name, ranges, err = parseTopic(data)
	if err != nil {
		return "", nil, err
	}
	if r.Topics == nil {
		return "", nil, fmt.Errorf("%s: only betimes train reads topics; name a file", data)
	}
	start, end, err := r.Topics.Offsets(ctx, name)
	if err != nil {
		return "", nil, fmt.Errorf("topic %s: %w", name, err)
	}
	if ranges == nil {
		ranges = Ranges{}
		for p, to := range end {
			ranges[p] = Range{start[p], to}
		}
		return name, ranges, nil
	}
	return name, ranges, ranges.within(name, start, end)
}

// within says what of the ranges is not in the topic.
func (r Ranges) within(topic string, start, end map[int32]int64) error {
	for _, p := range slices.Sorted(maps.Keys(r)) {
		first, known := start[p]
		switch want := r[p]; {
		case !known:
			return fmt.Errorf("topic %s has no partition %d; it has %d", topic, p, len(start))
		case want.From == want.To:
		case want.From < first:
			return &removedError{fmt.Errorf("topic %s no longer has the offsets %d to %d of partition %d: they were removed by retention; name offsets from %d on", topic, want.From, min(first, want.To)-1, p, first)}
		case want.To > end[p]:
			return fmt.Errorf("topic %s has the offsets %d to %d of partition %d, not %d-%d: the rest is not written yet, or its transaction is open", topic, first, end[p], p, want.From, want.To)
		}
	}
	return nil
}

// removedError: a topic no longer has what was to be read.
type removedError struct{ error }

// count is how many offsets there are.
func (r Ranges) count() (n int64) {
	for _, one := range r {
		n += one.To - one.From
	}
	return n
}

// record is one row of a topic.
type record struct {
	cells []string
	where string
	key   []byte
}

// recordSource gives the rows of records that were read.
type recordSource struct {
	columns []string
	records []record
	at      int
}

func (s *recordSource) names() []string { return s.columns }
func (s *recordSource) key() []byte     { return s.records[s.at-1].key }

func (s *recordSource) next() ([]string, string, error) {
	if s.at == len(s.records) {
		return nil, "", io.EOF
	}
	s.at++
	one := s.records[s.at-1]
	return one.cells, one.where, nil
}

// readTopic makes the training set of records: each is mapped as it would be
// for a prediction, and asked for its label. Of records with one id the first
// counts.
func (r *run) readTopic(ctx context.Context, name string, ranges Ranges) (*table, error) {
	s := &recordSource{}
	seen, read := map[string]bool{}, int64(0)
	err := r.Topics.Read(ctx, name, ranges, func(e *event.Event) error {
		read++
		if e.ID != "" && seen[e.ID] { // a record of somebody else's has no id
			r.repeated++
			return nil
		}
		seen[e.ID] = true
		where := "record " + e.Source.String()
		features, label, err := r.Row(e)
		if err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		s.records = append(s.records, record{append([]string{label}, strings.Split(features, ",")...), where, e.Key})
		return nil
	})
	if err != nil {
		return nil, &tableError{"data", err.Error()}
	}
	if err := r.stillThere(ctx, name, ranges); err != nil {
		return nil, err
	}
	r.absent = int(ranges.count() - read)
	if len(s.records) == 0 {
		return nil, wrongData("topic %s holds no records in %s; send some, or name another range", name, ranges)
	}
	label := r.plan.Train.Label
	if len(r.plan.Fields) > 0 {
		s.columns = append([]string{label}, r.plan.Fields...)
	} else {
		label = ""
	}
	if err := s.checkWidth(name); err != nil {
		return nil, err
	}
	return reading{name: "topic " + name, label: label, fields: r.plan.Fields}.table(s, 0)
}

// stillThere says whether retention has removed records while they were read.
func (r *run) stillThere(ctx context.Context, name string, ranges Ranges) error {
	start, end, err := r.Topics.Offsets(ctx, name)
	if err != nil {
		return fmt.Errorf("topic %s: %w", name, err)
	}
	return ranges.within(name, start, end)
}

// checkWidth: an expression may give lists of different lengths.
func (s *recordSource) checkWidth(topic string) error {
	want := len(s.records[0].cells)
	for _, one := range s.records {
		if len(one.cells) != want {
			return wrongData("topic %s: %s has %d numbers, the first has %d; flow.feature must give as many for each", topic, one.where, len(one.cells)-1, want-1)
		}
	}
	return nil
}
