package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"betimes/internal/event"
)

// renewEvery is how often locks are looked at. A lock is renewed when a third
// of it is over, so that one renewal that is lost costs nothing.
const (
	renewEvery  = 200 * time.Millisecond
	renewShare  = 3
	lookEvery   = 2 * time.Second
	lookTimeout = 2 * time.Second
)

// hold makes an Event of a fetched record, or none when the record waited here
// for so long that its lock is over: the brokers give it to another member.
func (m *ShareMember) hold(r *kgo.Record, now time.Time) *event.Event {
	unveil(r)
	lasts := r.AcquisitionDeadline().Sub(now)
	if lasts <= 0 {
		return nil
	}
	e := newEvent(r, now)
	e.Attempts = int(r.DeliveryCount()) - 1
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held[e] = &lock{record: r, lasts: lasts, renew: now.Add(lasts / renewShare)}
	return e
}

// renewLoop keeps what is held from other members.
func (m *ShareMember) renewLoop(ctx context.Context) {
	if !m.renews {
		return
	}
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			m.renew(now)
		}
	}
}

func (m *ShareMember) renew(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.held {
		if now.After(l.renew) {
			l.record.Ack(kgo.AckRenew)
			l.renew = now.Add(l.lasts / renewShare)
		}
	}
}

// lookLoop asks how far the group is behind.
func (m *ShareMember) lookLoop(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.look(ctx)
		}
	}
}

func (m *ShareMember) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	groups, err := m.cluster.admin.DescribeShareGroupOffsets(ctx, m.cfg.Group)
	if err != nil {
		m.cluster.deps.Log.Debug("how far a share group is behind is not known", "group", m.cfg.Group, "error", err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for topic, parts := range groups[m.cfg.Group].Offsets {
		for number, o := range parts {
			if o.Err == nil && o.Lag >= 0 {
				m.behind[Partition{topic, number}] = o.Lag
			}
		}
	}
}

// Behind is how many records of each partition the group, all members together,
// has not done, as of the newest look; brokers before Kafka 4.2 do not say it.
func (m *ShareMember) Behind() map[Partition]int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[Partition]int64, len(m.behind))
	for p, n := range m.behind {
		out[p] = n
	}
	return out
}
