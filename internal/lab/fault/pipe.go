package fault

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Pipe stands before any TCP server, for example a model's. It knows nothing of
// what is said.
type Pipe struct {
	to       string
	listener net.Listener
	delay    atomic.Int64 // of each piece, either way
	running  sync.WaitGroup

	mu     sync.Mutex
	conns  map[*net.TCPConn]bool
	closed bool
	silent [2]chan struct{} // by side; closed when it is over, nil: not silent
}

// NewPipe stands before a server.
func NewPipe(to string) (*Pipe, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Pipe{to: to, listener: listener, conns: map[*net.TCPConn]bool{}}
	p.running.Go(p.serve)
	return p, nil
}

// Addr is where clients connect to.
func (p *Pipe) Addr() string { return p.listener.Addr().String() }

// Delay makes each piece late from now on, either way; 0: none is.
func (p *Pipe) Delay(d time.Duration) { p.delay.Store(int64(d)) }

// Silence lets nothing through one way until over is called; then all of it.
// Connections stay open, and new ones can be made.
func (p *Pipe) Silence(side Side) (over func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	until := make(chan struct{})
	p.silent[side] = until
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.silent[side] == until {
			p.silent[side] = nil
		}
		close(until)
	})
}

// Reset ends every connection that there is now with a TCP reset.
func (p *Pipe) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.SetLinger(0) // as well as it can be done
		_ = c.Close()
	}
}

// Close ends the listener and every connection. What is silent must be over.
func (p *Pipe) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_ = p.listener.Close() // once only
	p.Reset()
	p.running.Wait()
}

func (p *Pipe) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.connect(client.(*net.TCPConn)) })
	}
}

func (p *Pipe) connect(client *net.TCPConn) {
	conn, err := net.DialTimeout("tcp", p.to, dialTimeout)
	if err != nil {
		_ = client.Close() // as if nobody listened
		return
	}
	server := conn.(*net.TCPConn)
	p.keep(client, server)
	var up sync.WaitGroup
	up.Go(func() { p.copy(server, client, Request) })
	p.copy(client, server, Response)
	up.Wait()
	p.drop(client, server)
}

func (p *Pipe) keep(conns ...*net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if p.conns[c] = true; p.closed {
			_ = c.Close()
		}
	}
}

func (p *Pipe) drop(conns ...*net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.conns, c)
		_ = c.Close() // it may be already
	}
}

// copy passes pieces on one way, and then the end.
func (p *Pipe) copy(to, from *net.TCPConn, side Side) {
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		if n > 0 {
			p.hold(side)
			if _, failed := to.Write(piece[:n]); failed != nil {
				err = failed
			}
		}
		if err == io.EOF {
			_ = to.CloseWrite() // the other way may go on
			return
		}
		if err != nil {
			p.drop(to, from)
			return
		}
	}
}

// hold waits as long as its side is silent, and for the delay.
func (p *Pipe) hold(side Side) {
	p.mu.Lock()
	until := p.silent[side]
	p.mu.Unlock()
	if until != nil {
		<-until
	}
	if d := p.delay.Load(); d > 0 {
		time.Sleep(time.Duration(d))
	}
}
