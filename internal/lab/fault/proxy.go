package fault

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy stands between Kafka's clients and brokers. Many goroutines may use it.
type Proxy struct {
	log   *slog.Logger
	seeds []string // of the brokers

	mu      sync.Mutex
	random  *rand.Rand
	fronts  map[string]*front // by the broker's own address
	faults  []*Handle
	links   map[*link]bool
	closed  bool
	running sync.WaitGroup
}

// front is where clients reach one broker.
type front struct {
	broker   string
	listener net.Listener
	node     atomic.Int32 // -1: not heard of yet
}

const dialTimeout = 5 * time.Second

// NewProxy stands before brokers of which seeds are some. seed decides which bits are flipped.
func NewProxy(seeds []string, seed uint64, log *slog.Logger) (*Proxy, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	p := &Proxy{
		log: log, seeds: seeds, random: rand.New(rand.NewPCG(seed, 0)),
		fronts: map[string]*front{}, links: map[*link]bool{},
	}
	for _, addr := range seeds {
		if _, err := p.front(addr); err != nil {
			p.Close()
			return nil, err
		}
	}
	return p, nil
}

// Addrs are where clients begin, one for each seed.
func (p *Proxy) Addrs() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, addr := range p.seeds {
		all = append(all, p.fronts[addr].listener.Addr().String())
	}
	return all
}

// Add puts a Fault to work. Faults are asked in their order; the first that
// takes a frame has it.
func (p *Proxy) Add(f Fault) *Handle {
	h := &Handle{fault: f, proxy: p, removed: make(chan struct{}), first: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, h)
	return h
}

func (p *Proxy) forget(h *Handle) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = slices.DeleteFunc(p.faults, func(one *Handle) bool { return one == h })
}

// match is the Fault that has this request, if any.
func (p *Proxy) match(node int32, r *request) *Handle {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.faults {
		if h.takes(node, r) {
			return h
		}
	}
	return nil
}

// flip flips bits; the random source is not for many at once.
func (p *Proxy) flip(frame []byte, body int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return flipped(frame, body, p.random)
}

// front is where a broker is reached; it begins to listen when it is new.
func (p *Proxy) front(broker string) (*front, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.fronts[broker]; f != nil {
		return f, nil
	}
	if p.closed {
		return nil, net.ErrClosed
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("front of broker %s: %w", broker, err)
	}
	f := &front{broker: broker, listener: listener}
	f.node.Store(-1)
	p.fronts[broker] = f
	p.running.Go(func() { p.serve(f) })
	return f, nil
}

// serve makes a link of every connection until the listener is closed.
func (p *Proxy) serve(f *front) {
	for {
		client, err := f.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.connect(f, client.(*net.TCPConn)) })
	}
}

func (p *Proxy) connect(f *front, client *net.TCPConn) {
	broker, err := net.DialTimeout("tcp", f.broker, dialTimeout)
	if err != nil {
		p.log.Debug("broker cannot be reached", "broker", f.broker, "error", err)
		_ = client.Close() // as if nobody listened
		return
	}
	l := newLink(p, f, client, broker.(*net.TCPConn))
	p.mu.Lock()
	closed := p.closed
	p.links[l] = true
	p.mu.Unlock()
	if closed {
		l.end()
	}
	l.run()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// Cut ends every connection that there is now with a TCP reset.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.reset()
	}
}

// Close ends the listeners and every connection.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	for _, f := range p.fronts {
		_ = f.listener.Close() // once only
	}
	for l := range p.links {
		l.end()
	}
	p.mu.Unlock()
	p.running.Wait()
}
