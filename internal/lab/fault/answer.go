package fault

import (
	"fmt"
	"time"
)

// answers passes the broker's frames on, in the order of their requests, until it
// cannot, and says why. A
// client that has gone stops nothing: what it sent may still be on its way.
func (l *link) answers() error {
	for {
		frame, err := readFrame(l.broker)
		if err != nil {
			return err
		}
		one, err := l.asked(frame)
		if err != nil {
			return err
		}
		if frame, err = l.proxy.rewrite(one.request, frame); err != nil {
			return err
		}
		copies := 1
		if one.fault != nil {
			if frame, copies, err = l.strikeAnswer(one, frame); err != nil {
				return err
			}
		}
		if one.swallow {
			copies = 0
		}
		l.passOn(frame, copies)
	}
}

// asked is the request that this answer belongs to; it stays first in line
// until the answer is passed on.
func (l *link) asked(frame []byte) (*pending, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) == 0 || l.pending[0].request.correlation != correlationOf(frame) {
		return nil, fmt.Errorf("answer %d was not asked for now", correlationOf(frame))
	}
	return l.pending[0], nil
}

// passOn writes the broker's answer to the first in line, then the own answers behind it.
func (l *link) passOn(frame []byte, copies int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = l.pending[1:]
	for range copies {
		_, _ = l.client.Write(frame) // it may have gone
	}
	l.passOwn()
}

// answerSelf puts an own answer in line.
func (l *link) answerSelf(one *pending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, one)
	l.passOwn()
}

// passOwn writes the own answers that are first in line; l.mu is held.
func (l *link) passOwn() {
	for len(l.pending) > 0 && l.pending[0].own != nil {
		_, _ = l.client.Write(l.pending[0].own) // it may have gone
		l.pending = l.pending[1:]
	}
}

// strikeAnswer does to an answer what its Fault says, and returns what is left
// of it and how often it is sent.
func (l *link) strikeAnswer(one *pending, frame []byte) ([]byte, int, error) {
	h, body := one.fault, 8
	h.hit()
	one.fault = nil
	switch h.fault.Do {
	case Drop:
		l.end()
		return nil, 0, errStruck
	case Hold:
		l.wait(h.removed)
	case Delay:
		l.pause(h.fault.For)
	case Duplicate:
		return frame, 2, nil
	case Reset:
		_, _ = l.client.Write(frame[:len(frame)/2]) // it may have gone
		l.reset()
		return nil, 0, errStruck
	case Truncate:
		return truncated(frame, body), 1, nil
	case Flip:
		return l.proxy.flip(frame, body), 1, nil
	case Refuse:
		if own := refusal(one.request, h.fault.Code); own != nil {
			return own, 1, nil
		}
	}
	return frame, 1, nil
}

// wait waits until the Fault is removed or the link ends.
func (l *link) wait(removed <-chan struct{}) {
	select {
	case <-removed:
	case <-l.done:
	}
}

// pause waits so long, or until the link ends.
func (l *link) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.done:
	}
}
