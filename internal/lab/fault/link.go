package fault

import (
	"errors"
	"net"
	"sync"
)

// errStruck ends a link whose connections a Fault has ended.
var errStruck = errors.New("ended by a fault")

// link is one connection of a client, and one to the broker for it.
type link struct {
	proxy          *Proxy
	front          *front
	client, broker *net.TCPConn
	done           chan struct{} // closed when it ends
	once           sync.Once

	mu      sync.Mutex // also held while the client is written to
	pending []*pending // requests without an answer, in order
}

// pending is a request whose answer has not been passed on.
type pending struct {
	request *request
	fault   *Handle // what is done to its answer; nil: nothing
	own     []byte  // the answer, when it is not the broker's
	swallow bool    // the client gets no answer
}

func newLink(p *Proxy, f *front, client, broker *net.TCPConn) *link {
	return &link{proxy: p, front: f, client: client, broker: broker, done: make(chan struct{})}
}

// run passes frames on until both ways have ended.
func (l *link) run() {
	var up sync.WaitGroup
	up.Go(func() {
		l.proxy.log.Debug("requests end", "broker", l.front.broker, "error", l.requests())
		_ = l.broker.CloseWrite() // what is under way may still be answered
	})
	l.proxy.log.Debug("answers end", "broker", l.front.broker, "error", l.answers())
	l.end()
	up.Wait()
	for _, one := range l.pending {
		if one.fault != nil {
			one.fault.giveBack()
		}
	}
}

func (l *link) end() {
	l.once.Do(func() {
		close(l.done)
		_ = l.client.Close() // either may be closed already
		_ = l.broker.Close()
	})
}

// reset ends both connections without a farewell.
func (l *link) reset() {
	_ = l.client.SetLinger(0) // as well as it can be done
	_ = l.broker.SetLinger(0)
	l.end()
}

// requests passes the client's frames on until it cannot, and says why.
func (l *link) requests() error {
	for {
		frame, err := readFrame(l.client)
		if err != nil {
			return err
		}
		r, err := parseRequest(frame)
		if err != nil {
			return err
		}
		h := l.proxy.match(l.front.node.Load(), r)
		if h != nil && h.fault.On == Request {
			err = l.strikeRequest(r, h)
		} else {
			err = l.ask(r, frame, pending{request: r, fault: h})
		}
		if err != nil {
			return err
		}
	}
}

// ask sends a frame to the broker and remembers that it will be answered.
func (l *link) ask(r *request, frame []byte, one pending) error {
	if r.answered() {
		l.mu.Lock()
		l.pending = append(l.pending, &one)
		l.mu.Unlock()
	}
	_, err := l.broker.Write(frame)
	return err
}

// strikeRequest does to a request what its Fault says.
func (l *link) strikeRequest(r *request, h *Handle) error {
	frame, plain := r.frame, pending{request: r}
	h.hit()
	switch h.fault.Do {
	case Drop:
		l.end()
		return errStruck
	case Hold:
		l.wait(h.removed)
	case Delay:
		l.pause(h.fault.For)
	case Duplicate:
		if err := l.ask(r, frame, plain); err != nil {
			return err
		}
		plain.swallow = true
	case Reset:
		_, _ = l.broker.Write(frame[:len(frame)/2])
		l.reset()
		return errStruck
	case Truncate:
		frame = truncated(frame, r.body)
	case Flip:
		frame = l.proxy.flip(frame, r.body)
	case Refuse:
		if own := refusal(r, h.fault.Code); own != nil {
			l.answerSelf(&pending{request: r, own: own})
			return nil
		}
	}
	return l.ask(r, frame, plain)
}
