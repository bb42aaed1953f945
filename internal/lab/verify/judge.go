package verify

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// judge makes one Verdict.
type judge struct {
	*Checker
	*findings
	verdict *Verdict
}

// sends asks of each id whether it is where its answer says.
func (j *judge) sends() {
	j.ids.each(func(n uint32, one *identity) {
		if one.sends == 0 {
			return
		}
		at := event.Source{Topic: j.cfg.Topics.Events, Partition: one.part, Offset: one.offset}
		if one.outcome != OK || one.offset < 0 {
			at = event.Source{}
		}
		switch {
		case one.outcome == OK && one.seen == 0 && j.gone(at):
			j.verdict.Counts.Gone++
		case one.outcome == OK && one.seen == 0:
			j.add(LostWrite, one.hash, at, "acknowledged, and not in the topic")
		case at.Topic != "" && !j.gone(at) && j.elsewhere(n, one):
			j.add(LostWrite, one.hash, at, "acknowledged here, and not here")
		case one.outcome == Failed && one.seen > 0:
			j.add(AbortedRead, one.hash, event.Source{}, "it failed, and is in the topic of events")
		}
		if one.seen > one.sends {
			j.add(Duplicated, one.hash, at, fmt.Sprintf("sent %d times, %d times in events", one.sends, one.seen))
		}
	})
}

// gone says that what was at a place in events may have been removed by
// retention; without a place, that anything was.
func (j *judge) gone(at event.Source) bool {
	for p, in := range j.bounds {
		if p.Topic == j.cfg.Topics.Events && (at.Topic == "" && in.start > 0 || p.Number == at.Partition && at.Topic != "" && at.Offset < in.start) {
			return true
		}
	}
	return false
}

// elsewhere says that another event, or none, is where the answer put this one.
func (j *judge) elsewhere(n uint32, one *identity) bool {
	there := j.books.find(one.part, one.offset)
	return !there.present() || there.id != n
}

// events asks of each event whether it ended, as it was sent, in time.
func (j *judge) events() {
	unended := map[uint32][]uint32{} // numbers by lane
	for _, number := range slices.Sorted(maps.Keys(j.books.events)) {
		s := j.books.events[number]
		for i := range s.events.n {
			one := s.events.look(i)
			if !one.present() {
				continue
			}
			at := event.Source{Topic: j.cfg.Topics.Events, Partition: number, Offset: s.base + int64(i)}
			j.event(one, at)
			if one.places == 0 && one.lane != 0 && len(j.skips) > 0 {
				unended[one.lane] = append(unended[one.lane], one.number)
			}
		}
	}
	for _, s := range j.skips {
		for _, n := range unended[s.lane] {
			if n > s.last && n < s.number {
				j.add(IntSendSkip, s.id, s.at, "an earlier event of its key ended nowhere")
				break
			}
		}
	}
}

func (j *judge) event(one *accepted, at event.Source) {
	id := j.ids.get(one.id)
	if id.sends > 0 {
		j.asSent(one, id, at)
	}
	if id.sends == 0 && j.cfg.OnlyLedger {
		return
	}
	if one.places == 0 {
		if next, ok := j.commits[kafka.Partition{Topic: at.Topic, Number: at.Partition}]; ok && at.Offset < next {
			j.add(CommitAhead, id.hash, at, fmt.Sprintf("the group had committed up to %d", next))
		}
		j.add(Unseen, id.hash, at, "it ended nowhere")
	}
	if one.first > 0 {
		j.lag(one, id, at)
	}
	j.calls(one, id, at)
}

// asSent compares an event with what the ledger says of it.
func (j *judge) asSent(one *accepted, id *identity, at event.Source) {
	key := uint64(0)
	switch {
	case id.key != 0:
		key = j.lanes.get(id.key).hash
	case j.cfg.Order == ByKey && one.lane != 0:
		key = j.lanes.get(one.lane).hash
	case j.cfg.Order != ByKey:
		return
	}
	if one.value != id.crc^fold(key) {
		j.add(CorruptValue, id.hash, at, "value or key is not what was sent")
	}
}

func (j *judge) lag(one *accepted, id *identity, at event.Source) {
	from := one.recorded
	if one.flags&flagReplay == 0 && id.acked > 0 {
		from = id.acked
	}
	took := time.Duration(one.recorded+int64(one.first)-1-from) * time.Millisecond
	if took > j.verdict.WorstLag {
		j.verdict.WorstLag, j.verdict.WorstAt = took, at.String()
	}
	if j.cfg.MaxLag > 0 && took > j.cfg.MaxLag {
		j.add(RealtimeLag, id.hash, at, "ended after "+took.String())
	}
}

// calls compares with the model's journal, when there is one.
func (j *judge) calls(one *accepted, id *identity, at event.Source) {
	switch {
	case !j.journal || one.flags&flagReplay != 0:
	case j.cfg.MaxCalls > 0 && int(id.calls) > j.cfg.MaxCalls*max(1, int(id.seen)):
		j.add(ExtraCall, id.hash, at, fmt.Sprintf("the model was asked %d times", id.calls))
	case id.calls == 0 && one.flags&flagMissed != 0:
		j.add(NoCall, id.hash, at, "predicted, and the model was not asked")
	}
}

// orphaned are endings whose event is not there.
func (j *judge) orphaned() {
	for _, o := range j.orphans {
		if o.source.Topic == j.cfg.Topics.Events && j.gone(o.source) {
			j.verdict.Counts.Gone++
			continue
		}
		if j.aborted(o.source) {
			j.add(AbortedRead, o.id, o.at, "its event "+o.source.String()+" is of an aborted transaction")
			continue
		}
		j.add(NoSuchEvent, o.id, o.at, "it says it is of "+o.source.String())
	}
}

// aborted says that a record is of an aborted transaction.
func (j *judge) aborted(at event.Source) bool {
	b := j.books.log[kafka.Partition{Topic: at.Topic, Number: at.Partition}]
	if b == nil {
		return false
	}
	one := b.look(at.Offset)
	return one != nil && one.flags&logAborted != 0
}

// progress asks for endings in each window.
func (j *judge) progress() {
	for _, p := range j.cfg.Progress {
		n := 0
		for tenth := (p.From.UnixMilli() + 99) / 100; (tenth+1)*100 <= p.To.UnixMilli(); tenth++ {
			n += j.pace[tenth]
		}
		if n < p.Least {
			j.add(NoProgress, 0, event.Source{}, fmt.Sprintf("%d endings from %s to %s, not %d", n, p.From.UTC().Format(time.RFC3339Nano), p.To.UTC().Format(time.RFC3339Nano), p.Least))
		}
	}
}
