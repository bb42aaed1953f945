package stream

import (
	"context"
	"slices"
	"time"

	"betimes/internal/kafka"
)

// readLots asks what waits of partitions that have just come, until it is told
// or they are gone; their events are held meanwhile. What cannot be told of all of
// them is asked of each: one that has no leader keeps no other waiting.
func (p *Processor) readLots(parts []*partition) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	numbers := make([]int32, len(parts))
	for i, part := range parts {
		numbers[i] = part.id.Number
		defer context.AfterFunc(part.ctx, func() {
			if !slices.ContainsFunc(parts, func(one *partition) bool { return one.ctx.Err() == nil }) {
				cancel()
			}
		})()
	}
	for {
		all, err := p.deps.Waiting(ctx, numbers)
		if err == nil {
			p.openLots(parts, all)
			return
		}
		if ctx.Err() != nil {
			return
		}
		p.deps.Log.Warn("parked events are not read, their partitions wait", "partitions", numbers, "error", err)
		if len(parts) > 1 {
			for _, part := range parts {
				go p.readLots([]*partition{part})
			}
			return
		}
		select {
		case <-time.After(parkRetry):
		case <-ctx.Done():
			return
		}
	}
}

// openLots takes in what waits and begins with the events that came meanwhile.
func (p *Processor) openLots(parts []*partition, all []Waiting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, part := range parts {
		if part.gone {
			continue
		}
		part.lot.read = true
		for i := range all {
			if w := &all[i]; w.Partition == part.id.Number && !part.ended(w) && !slices.Contains(part.lot.dropped, w.Letter) {
				part.lot.put(p.keyLane(w.Partition, w.Key), spot{w.Origin, w.Letter})
			}
		}
		if part.lot.count > 0 {
			p.deps.Log.Info("keys are parked", "topic", part.id.Topic, "partition", part.id.Number, "keys", len(part.lot.keys), "events", part.lot.count)
		}
		early := part.lot.early
		part.lot.early, part.lot.dropped = nil, nil
		for _, it := range early {
			p.enter(it)
		}
	}
	p.dispatch()
}

// ended says whether a parked event came back and ended before the partition came.
func (p *partition) ended(w *Waiting) bool {
	return w.Into >= 0 && (w.Into < p.from || covers(p.offsets.before, w.Into))
}

// Dropped tells that a parked event is not waited for any more: it was dropped.
func (p *Processor) Dropped(number int32, letter int64) {
	p.unpark(number, func(s spot) bool { return s.letter == letter }, letter)
}

// Expired tells that the topic parked begins at an offset: what was before it is
// gone and not waited for.
func (p *Processor) Expired(number int32, start int64) {
	p.unpark(number, func(s spot) bool { return s.letter >= 0 && s.letter < start })
}

// unpark takes waiting events of a partition out; their keys may flow again.
func (p *Processor) unpark(number int32, gone func(spot) bool, letters ...int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, part := range p.parts {
		if id.Number != number || part.lot == nil || part.gone {
			continue
		}
		if !part.lot.read {
			part.lot.dropped = append(part.lot.dropped, letters...)
		}
		for lane := range part.lot.keys {
			part.lot.remove(lane, gone)
		}
	}
}

// waiting counts the keys and events that wait. p.mu is held.
func (p *Processor) waitingNow() (keys, events int) {
	for _, part := range p.parts {
		if part.lot != nil && !part.gone {
			keys, events = keys+len(part.lot.keys), events+part.lot.count
		}
	}
	return keys, events
}

// unread gives a partition of which it is not known what waits. p.mu is held.
func (p *Processor) unread() (kafka.Partition, bool) {
	for id, part := range p.parts {
		if part.lot != nil && !part.lot.read && !part.gone {
			return id, true
		}
	}
	return kafka.Partition{}, false
}
