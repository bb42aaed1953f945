package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/setting"
)

// serve runs a Server on a real listener and returns its address; the test's
// end stops it.
func serve(t testing.TB, c Config, d Deps) (*Server, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.Listener = l
	s := newServer(t, c, d)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s, l.Addr().String()
}

func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestGarbageOnTheWireNeitherStopsTheServerNorIsAccepted(t *testing.T) {
	c := testConfig()
	c.MaxBytes, c.MaxBody = setting.KiB, 2*setting.KiB
	b := &broker{}
	s, addr := serve(t, c, Deps{Next: b})
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 4096)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	const head = "POST /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	for name, bytes := range map[string]string{
		"noise":                    string(noise),
		"a TLS hello":              "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"HTTP/2 preface":           "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"line feeds":               strings.Repeat("\n", 10000),
		"an endless header":        head + "X-A: " + strings.Repeat("a", 80<<10) + "\r\n\r\n",
		"a thousand headers":       head + strings.Repeat("Ce-A: b\r\n", 10000) + "\r\n",
		"two lengths":              head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"a length below zero":      head + "Content-Length: -1\r\n\r\n",
		"a length beyond int64":    head + "Content-Length: 99999999999999999999\r\n\r\n",
		"a length and no body":     head + "Content-Length: 900\r\n\r\n",
		"a length far beyond":      head + "Content-Length: 1000000000000\r\n\r\n{",
		"chunks that are none":     head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
		"a chunk beyond max_bytes": head + "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n" + strings.Repeat("x", 4096),
		"chunks that end early":    head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\"",
		"gzip noise":               head + "Content-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n" + string(noise[:1000]),
		"noise as JSON":            head + "Content-Length: 1000\r\n\r\n" + string(noise[:1000]),
		"noise as CSV":             head + "Content-Type: text/csv\r\nContent-Length: 1000\r\n\r\n" + string(noise[:1000]),
		"noise as NDJSON":          head + "Content-Type: application/x-ndjson\r\nContent-Length: 1000\r\n\r\n" + string(noise[:1000]),
		"noise as a batch":         head + "Content-Type: application/cloudevents-batch+json\r\nContent-Length: 1001\r\n\r\n[" + string(noise[:1000]),
		"a strange path":           "GET /v1/events/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"a path beyond the root":   "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, addr)
			_, _ = io.WriteString(conn, bytes) // the server may have closed already
			_ = conn.(*net.TCPConn).CloseWrite()
			answer, _ := io.ReadAll(conn)
			if strings.HasPrefix(string(answer), "HTTP/1.1 202") {
				t.Errorf("accepted: %s", answer)
			}
		})
	}
	if n := len(b.taken()); n != 0 {
		t.Errorf("%d events were handed on", n)
	}
	answer, err := http.Post("http://"+addr+"/v1/events", "application/json", strings.NewReader(payment))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 202 {
		t.Errorf("an event after all that: %s", answer.Status)
	}
	if n := s.flight.bytes.Load(); n != 0 {
		t.Errorf("%d bytes are still in flight", n)
	}
}

// pipeListener is a listener whose connections are in memory, for the bubble's clock.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{make(chan net.Conn), make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.done); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func (l *pipeListener) dial() net.Conn {
	ours, theirs := net.Pipe()
	l.conns <- theirs
	return ours
}

func TestSlowCallersAreCutOff(t *testing.T) {
	for name, c := range map[string]struct {
		begin, drop string
		longest     time.Duration
		answer      string
	}{
		"who never end their headers": {"POST /v1/events HTTP/1.1\r\nHost: x\r\n", "X-A: b\r\n", 11 * time.Second, ""},
		"who send nothing":            {"", "", 11 * time.Second, ""},
		"who trickle their body":      {"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", " ", 31 * time.Second, "HTTP/1.1 408"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { trickle(t, c.begin, c.drop, c.longest, c.answer) })
		})
	}
}

func TestACallerMayWaitLongerThanABodyMayTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		s := newServer(t, testConfig(), Deps{Next: &broker{}, Listener: l, Finder: newTrail()})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		conn := l.dial()
		began := time.Now()
		go func() {
			_, _ = fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: x\r\nPrefer: wait=60\r\nContent-Length: %d\r\n\r\n%s", len(payment), payment)
		}()
		line, err := bufio.NewReader(conn).ReadString('\n')
		if took := time.Since(began); took != time.Minute || !strings.HasPrefix(line, "HTTP/1.1 202") {
			t.Errorf("answer is %q after %v: %v", line, took, err)
		}
		_ = conn.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestACallerWhoWaitsIsAnsweredWhenTheServerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		s := newServer(t, testConfig(), Deps{Next: &broker{}, Listener: l, Finder: newTrail()})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		conn := l.dial()
		go func() {
			_, _ = fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: x\r\nPrefer: wait=60\r\nContent-Length: %d\r\n\r\n%s", len(payment), payment)
			time.Sleep(time.Second) // of the bubble's clock
			cancel()
		}()
		line, err := bufio.NewReader(conn).ReadString('\n')
		if !strings.HasPrefix(line, "HTTP/1.1 202") {
			t.Errorf("answer is %q: %v", line, err)
		}
		_ = conn.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestADrainingServerIsUnreadyAndTakesEvents(t *testing.T) {
	s := newServer(t, testConfig(), Deps{Next: &broker{}})
	if w := get(t, s, "/readyz", "/readyz"); w.Code != 200 {
		t.Errorf("before: %d %s", w.Code, w.Body)
	}
	s.Drain()
	if w := get(t, s, "/readyz", "/readyz"); w.Code != 503 || !strings.Contains(w.Body.String(), "shutting down") {
		t.Errorf("while draining: %d %s", w.Code, w.Body)
	}
	if w := post(t, s, payment); w.Code != 202 || w.Header().Get("Connection") != "close" {
		t.Errorf("an event while draining: %d %s, connection %q; want it ended", w.Code, w.Body, w.Header().Get("Connection"))
	}
}

// readAnswer reads one HTTP answer and gives its body.
func readAnswer(conn net.Conn) (string, error) {
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return string(body), err
}

// slowly settles events one after the other, each after a pause.
type slowly struct {
	pause time.Duration
	queue chan *event.Event
}

func (s slowly) Handle(_ context.Context, e *event.Event) error {
	s.queue <- e
	return nil
}

func (s slowly) run() {
	for e := range s.queue {
		time.Sleep(s.pause) // of the bubble's clock
		e.Settled(event.Source{Topic: "events"}, nil)
	}
}

func TestAnUploadMayTakeLongerThanOneAnswerMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		brokers := slowly{8 * time.Millisecond, make(chan *event.Event, aheadEvents)}
		go brokers.run()
		s := newServer(t, testConfig(), Deps{Next: brokers, Listener: l})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		conn := l.dial()
		const n = 20_000 // 160 s
		body := strings.Repeat(`{"card_token":"k"}`+"\n", n)
		go func() {
			_, _ = fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}()
		answer, err := readAnswer(conn)
		if got := strings.Count(answer, `"status":202`); got != n || err != nil {
			t.Errorf("%d of %d events were answered: %v", got, n, err)
		}
		_ = conn.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		close(brokers.queue)
	})
}

func trickle(t *testing.T, begin, drop string, longest time.Duration, answer string) {
	l := newPipeListener()
	s := newServer(t, testConfig(), Deps{Next: &broker{}, Listener: l})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	conn := l.dial()
	began := time.Now()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, err := io.WriteString(conn, begin)
		for err == nil {
			time.Sleep(time.Second) // of the bubble's clock
			_, err = io.WriteString(conn, drop)
		}
	}()
	line, _ := bufio.NewReader(conn).ReadString('\n') // the connection may just be closed
	if took := time.Since(began); took > longest {
		t.Errorf("cut off after %v", took)
	}
	if !strings.HasPrefix(line, answer) {
		t.Errorf("answer is %q", line)
	}
	_ = conn.Close()
	<-gone
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := s.flight.bytes.Load(); n != 0 {
		t.Errorf("%d bytes are still in flight", n)
	}
}

func TestSlowCallersHoldLittle(t *testing.T) {
	s, addr := serve(t, testConfig(), Deps{Next: &broker{}})
	var conns []net.Conn
	for range 50 {
		conn := dial(t, addr)
		if _, err := fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n{", 32<<20); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	answer, err := http.Post("http://"+addr+"/v1/events", "application/json", strings.NewReader(payment))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 202 {
		t.Errorf("while 50 callers claim 32 MiB each an event gets %s", answer.Status)
	}
	if n := s.flight.bytes.Load(); n > 50*firstRead {
		t.Errorf("they hold %d bytes", n)
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
}

func TestAPortInUseNamesTheSetting(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := testConfig()
	c.Listen = l.Addr().String()
	err = newServer(t, c, Deps{Next: &broker{}}).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "flow.gateway.listen: "+c.Listen+" is in use") {
		t.Errorf("got %v", err)
	}
}
