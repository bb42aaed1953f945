package stream

// hand is a goroutine that makes attempts. It is kept while there is nothing to
// do: a new one for every event would grow its stack for every event.
type hand struct {
	lanes chan *lane // room for one; closed: no more will come
}

// maxIdle bounds the hands that are kept: 8 KiB each, and more of them do not
// come to rest between two events.
const maxIdle = 64

// start lets a hand begin with a lane: the one that rested last, whose stack is
// still warm, or a new one. p.mu is held.
func (p *Processor) start(l *lane) {
	p.running++
	if n := len(p.idle); n > 0 {
		h := p.idle[n-1]
		p.idle = p.idle[:n-1]
		h.lanes <- l
		return
	}
	h := &hand{lanes: make(chan *lane, 1)}
	h.lanes <- l
	go func() {
		for l := range h.lanes {
			p.work(h, l)
		}
	}()
}

// rest ends what a hand does and keeps it for later, unless there are enough, or
// nothing will begin any more. p.mu is held.
func (p *Processor) rest(h *hand) {
	p.running--
	if p.closing || len(p.idle) >= maxIdle {
		close(h.lanes)
		return
	}
	p.idle = append(p.idle, h)
}

// dismiss ends the hands that rest. p.mu is held.
func (p *Processor) dismiss() {
	for _, h := range p.idle {
		close(h.lanes)
	}
	p.idle = nil
}
