package exchange

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"

	"betimes/internal/model"
)

// MaxAnswerBytes is the largest answer that is kept.
const MaxAnswerBytes = 32 << 20

// Idle connections live shorter than the 60 s after which servers and load
// balancers close theirs: a request on a connection just being closed is lost.
const (
	idleTimeout      = 50 * time.Second
	dialTimeout      = 2 * time.Second
	handshakeTimeout = 3 * time.Second
	keepAlive        = 15 * time.Second
	bufferBytes      = 16 << 10 // most requests and answers in one write, one read
)

// Config is how a Client behaves.
type Config struct {
	Endpoint    string        // named in errors
	Connections int           // most connections at once, all kept when idle
	Timeout     time.Duration // longest exchange, whatever the context allows
	TLS         *tls.Config   // nil: the system's authorities
	Dialed      func()        // called for every new connection, may be nil
	Room        *Room         // of answers while they are read; nil: one of its own
}

// Client is a pool of connections to one server. It is safe for concurrent use.
type Client struct {
	config    Config
	transport *http.Transport
	room      *Room
}

// New makes a Client; nothing is dialled yet.
func New(c Config) *Client {
	client := &Client{config: c, room: c.Room}
	if c.Room == nil {
		client.room = OwnRoom()
	}
	var http1 http.Protocols
	http1.SetHTTP1(true)
	client.transport = &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           client.dial,
		TLSClientConfig:       c.TLS,
		TLSHandshakeTimeout:   handshakeTimeout,
		DisableCompression:    true,
		MaxIdleConns:          0, // no limit beyond the host's own
		MaxIdleConnsPerHost:   c.Connections,
		MaxConnsPerHost:       c.Connections,
		IdleConnTimeout:       idleTimeout,
		ExpectContinueTimeout: time.Second,
		WriteBufferSize:       bufferBytes,
		ReadBufferSize:        bufferBytes,
		Protocols:             &http1,
	}
	return client
}

func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}
	conn, err := d.DialContext(ctx, network, address)
	if err == nil && c.config.Dialed != nil {
		c.config.Dialed()
	}
	return conn, err
}

// Close closes the idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// clock notes when a connection was had. The hook is called by the goroutine
// that called Do.
type clock struct {
	trace            httptrace.ClientTrace
	begun, connected time.Time
	latest           time.Time // for the request to be sent; zero: whenever
	reused, late     bool
	stop             context.CancelFunc // of a request that is tried again when nothing was written; else nil
}

// gotConn keeps a request from being sent that waited too long for its connection:
// nothing was written yet, and nothing can be. It costs the connection.
func (k *clock) gotConn(info httptrace.GotConnInfo) {
	k.connected, k.reused = time.Now(), info.Reused
	if k.late = Late(k.latest); !k.late {
		return
	}
	_ = info.Conn.SetWriteDeadline(k.begun)
	if k.stop != nil {
		k.stop()
	}
}

// Do sends r once and reads the answer. Its errors are *model.Error; model.ClassLate
// is that of a request of which nothing was sent.
func (c *Client) Do(ctx context.Context, r Request) (Reply, error) {
	if d, ok := ctx.Deadline(); !ok || time.Until(d) > c.config.Timeout {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.config.Timeout)
		defer cancel()
	}
	k := &clock{begun: time.Now(), latest: r.Latest}
	if Late(k.latest) {
		return Reply{}, c.tooLate()
	}
	return c.exchange(ctx, k, r)
}

func (c *Client) exchange(ctx context.Context, k *clock, r Request) (Reply, error) {
	if len(r.Body) == 0 && !k.latest.IsZero() { // else it costs all idle connections, one after the other
		ctx, k.stop = context.WithCancel(ctx)
		defer k.stop()
	}
	k.trace.GotConn = k.gotConn
	resp, err := c.transport.RoundTrip(newRequest(httptrace.WithClientTrace(ctx, &k.trace), r))
	switch {
	case err != nil && k.late:
		return Reply{}, c.tooLate()
	case err != nil:
		return Reply{}, c.severed(k, c.fault(ctx, err))
	}
	body, err := c.readAnswer(ctx, resp, r.Framed)
	if err != nil {
		return Reply{}, c.fault(ctx, err)
	}
	return Reply{Status: resp.StatusCode, Header: resp.Header, Body: body, Times: k.times(time.Now())}, nil
}

func (k *clock) times(end time.Time) model.Times {
	if k.connected.IsZero() {
		return model.Times{Total: end.Sub(k.begun)}
	}
	t := model.Times{Total: end.Sub(k.connected)}
	if !k.reused {
		t.Connect = k.connected.Sub(k.begun)
	}
	return t
}

// fault classifies an exchange that had no answer.
func (c *Client) fault(ctx context.Context, err error) *model.Error {
	e := &model.Error{Class: model.ClassConnection, Endpoint: c.config.Endpoint, Err: err}
	said, inBody := errors.AsType[*model.Error](err)
	switch ended := ctx.Err(); {
	case inBody:
		said.Endpoint = c.config.Endpoint
		return said
	case errors.Is(err, errTooLarge):
		e.Class = model.ClassBadOutput
	case ended != nil:
		e.Class, e.Err = ClassOf(ended), ended
	}
	return e
}

// tooLate is the failure of a request of which nothing was sent.
func (c *Client) tooLate() error {
	return &model.Error{Class: model.ClassLate, Endpoint: c.config.Endpoint, Err: ErrLate}
}

// severed marks the loss of a connection that had been used before: the server
// may just have closed it.
func (c *Client) severed(k *clock, e *model.Error) error {
	e.Again = k.reused && e.Class == model.ClassConnection
	return e
}

// ClassOf is the class of a call that ended with its context.
func ClassOf(ended error) model.Class {
	if errors.Is(ended, context.DeadlineExceeded) {
		return model.ClassTimeout
	}
	return model.ClassCanceled
}

// Reach says whether the server takes connections, and why not.
func (c *Client) Reach(ctx context.Context, u *url.URL) error {
	conn, err := c.dial(ctx, "tcp", hostPort(u))
	if err != nil {
		return c.fault(ctx, err)
	}
	return conn.Close()
}

func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" {
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}
