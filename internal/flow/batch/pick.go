package batch

import (
	"slices"
	"time"
)

// lane is a line of events of one priority whose bodies can share a call, oldest
// first.
type lane struct {
	priority int
	members  []*member
}

const (
	mostLooked = 16              // lanes that are looked at for one of the same kind
	mostPassed = 4               // times in a row that others go before the one that waits longest
	hopeless   = time.Second     // of waiting; then who is late goes first
	forever    = time.Hour * 1e6 // left to one without a deadline
)

// join puts a member at the end of its lane. q.mu is held.
func (q *Queue) join(m *member) {
	q.waiting++
	for _, l := range q.lanes[:min(len(q.lanes), mostLooked)] {
		if l.priority == m.priority && q.deps.Codec.Alike(l.members[0].body(), m.body()) {
			l.members = append(l.members, m)
			return
		}
	}
	q.lanes = append(q.lanes, &lane{m.priority, []*member{m}})
}

// part takes members out of their lanes. q.mu is held.
func (q *Queue) part(members []*member) {
	for _, m := range members {
		m.taken = true
	}
	q.waiting -= len(members)
	q.lanes = slices.DeleteFunc(q.lanes, func(l *lane) bool {
		if i := untaken(l.members); i > 0 { // most often all from the front
			clear(l.members[:i])
			l.members = l.members[i:]
		}
		l.members = slices.DeleteFunc(l.members, func(m *member) bool { return m.taken })
		return len(l.members) == 0
	})
}

// untaken is how many members at the front are taken.
func untaken(members []*member) int {
	for i, m := range members {
		if !m.taken {
			return i
		}
	}
	return len(members)
}

// leading is the lane whose turn it is: the one of the highest priority that has
// waited longest, and now and then the one that has waited longest of all. q.mu is
// held.
func (q *Queue) leading() *lane {
	first, oldest := q.lanes[0], q.lanes[0]
	for _, l := range q.lanes[1:] {
		if l.priority > first.priority || l.priority == first.priority && l.members[0].since.Before(first.members[0].since) {
			first = l
		}
		if l.members[0].since.Before(oldest.members[0].since) {
			oldest = l
		}
	}
	if first == oldest {
		q.passed = 0
	} else if q.passed++; q.passed > mostPassed {
		q.passed = 0
		return oldest
	}
	return first
}

// take takes from the lanes what shares the next call. q.mu is held.
func (q *Queue) take(now time.Time) (members []*member, why string) {
	l := q.leading()
	if !q.compare.allows(q.inner.Version()) {
		members, why = []*member{l.members[0]}, "free"
	} else {
		members, why = q.choose(l, now)
	}
	q.part(members)
	return members, why
}

// choose finds the largest call in which everyone is in time who can be. Who could
// be in time only in a call so small that the others would come late waits. q.mu
// is held.
func (q *Queue) choose(l *lane, now time.Time) (members []*member, why string) {
	order := q.worthAsking(byDeadline(l.members), now)
	late := 0
	for late < len(order) && q.cost.fits(order[late].left(now), 1) == 0 {
		late++
	}
	inTime := order[late:]
	if len(order) == 0 {
		return nil, ""
	}
	n, skip := q.size(inTime, late, now)
	n = q.leaving(n, inTime[skip:], late, now)
	chosen := make([]*member, 0, min(n, q.waiting))
	old := 0 // among the late
	for old < late && len(chosen) < n/2 && now.Sub(order[old].since) > hopeless {
		chosen = append(chosen, order[old])
		old++
	}
	chosen = fill(chosen, inTime[skip:], n)
	chosen = fill(chosen, order[old:late], n)
	chosen = q.more(chosen, l, n, now)
	why = "free"
	switch {
	case n == q.most && len(chosen) == n:
		why = "full"
	case len(chosen) == n && n < len(order):
		why = "deadline"
	}
	return q.bounded(chosen, why)
}

// leaving is how many of those who could go do, so that others have their part in the
// next call: fewer only when that is in time for the tightest of those left. q.mu is
// held.
func (q *Queue) leaving(n int, inTime []*member, late int, now time.Time) int {
	room := q.room()
	part, next := q.share.of(q.waiting, room, max(q.calls+1-room, 0), &q.cost, now)
	if part >= n {
		return n
	}
	left := part - min(late, part/2) // the first of them: as many may be late
	if left < len(inTime) && inTime[left].left(now) <= next+q.cost.predict(min(q.waiting-part, q.most)) {
		return n
	}
	return part
}

// worthAsking leaves out, and tells, who must not be late and surely would be. q.mu
// is held.
func (q *Queue) worthAsking(order []*member, now time.Time) []*member {
	var late []*member
	for _, m := range order {
		if m.left(now).Seconds() >= q.cost.seconds(1) {
			break
		}
		if !m.request.Items[0].Latest.IsZero() {
			late = append(late, m)
		}
	}
	if len(late) == 0 {
		return order
	}
	order = slices.Clone(order) // which may be the lane itself
	q.part(late)
	for _, m := range late {
		m.told <- told{err: q.late()}
	}
	return slices.DeleteFunc(order, func(m *member) bool { return m.taken })
}

func fill(chosen, from []*member, n int) []*member {
	return append(chosen, from[:min(len(from), n-len(chosen))]...)
}

// byDeadline orders members, those of one deadline as they came.
func byDeadline(members []*member) []*member {
	before := func(a, b *member) int {
		switch {
		case a.deadline.IsZero() || b.deadline.IsZero():
			return compareBools(a.deadline.IsZero(), b.deadline.IsZero())
		default:
			return a.deadline.Compare(b.deadline)
		}
	}
	if slices.IsSortedFunc(members, before) {
		return members
	}
	sorted := slices.Clone(members)
	slices.SortStableFunc(sorted, before)
	return sorted
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// size is how many events the next call is about and how many of those in time,
// the tightest first, it leaves behind. q.mu is held.
func (q *Queue) size(inTime []*member, late int, now time.Time) (n, skip int) {
	best, room := 0.0, q.room()
	for i, m := range inTime {
		size := max(q.cost.fits(m.left(now), q.most), 1)
		if size >= len(inTime)-i+late || size == q.most || q.drains(inTime[len(inTime)-1], size, room, now) {
			return size, i
		}
		got := float64(min(size, len(inTime)-i)) / q.cost.seconds(float64(size))
		if got > best {
			best, n, skip = got, size, i
		}
	}
	if len(inTime) == 0 {
		return q.most, 0
	}
	return n, skip
}

// drains says whether calls of so many events get through all that wait before the
// one with most time left is late. q.mu is held.
func (q *Queue) drains(last *member, n, room int, now time.Time) bool {
	calls := (q.waiting + n - 1) / n
	turns := (calls + room - 1) / room
	return last.deadline.IsZero() || time.Duration(turns)*q.cost.predict(n) < last.left(now)
}

// more adds members of other lanes that go with the chosen ones and are not made
// late by it. q.mu is held.
func (q *Queue) more(chosen []*member, l *lane, n int, now time.Time) []*member {
	if len(q.lanes) == 1 {
		return chosen
	}
	others := slices.Clone(q.lanes)
	slices.SortStableFunc(others, func(a, b *lane) int { return b.priority - a.priority })
	for _, other := range others {
		if len(chosen) == n {
			break
		}
		if other == l || !q.deps.Codec.Alike(l.members[0].body(), other.members[0].body()) {
			continue
		}
		for _, m := range other.members {
			if left := m.left(now); len(chosen) < n && (q.cost.fits(left, n) == n || q.cost.fits(left, 1) == 0) {
				chosen = append(chosen, m)
			}
		}
	}
	return chosen
}

// bounded keeps a call within its bytes.
func (q *Queue) bounded(chosen []*member, why string) ([]*member, string) {
	bytes := len(chosen[0].body())
	for i, m := range chosen[1:] {
		if bytes += len(m.body()) + 1; bytes > int(q.config.MaxBytes) {
			return chosen[:i+1], "bytes"
		}
	}
	return chosen, why
}

func (m *member) body() []byte { return m.request.Items[0].Body }

// left is what a member has until its deadline.
func (m *member) left(now time.Time) time.Duration {
	if m.deadline.IsZero() {
		return forever
	}
	return m.deadline.Sub(now)
}
