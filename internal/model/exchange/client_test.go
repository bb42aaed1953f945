package exchange

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"betimes/internal/model"
)

func server(t *testing.T, h http.HandlerFunc) *url.URL {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL + "/invocations")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func client(t *testing.T, c Config) *Client {
	c.Endpoint = "e"
	if c.Connections == 0 {
		c.Connections = 4
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	cl := New(c)
	t.Cleanup(cl.Close)
	return cl
}

func TestAConnectionIsUsedAgain(t *testing.T) {
	var dialled atomic.Int32
	u := server(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	c := client(t, Config{Dialed: func() { dialled.Add(1) }})
	for i := range 5 {
		reply, err := c.Do(t.Context(), Request{URL: u, Header: http.Header{}, Body: []byte("x")})
		if err != nil || string(reply.Body) != "x" || reply.Times.Total <= 0 {
			t.Fatalf("got %+v, %v", reply, err)
		}
		if first := i == 0; first != (reply.Times.Connect > 0) {
			t.Errorf("call %d: connect %v", i, reply.Times.Connect)
		}
	}
	if n := dialled.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	u := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/invocations" {
			t.Error("followed")
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	reply, err := client(t, Config{}).Do(t.Context(), Request{URL: u, Header: http.Header{}, Body: []byte("x")})
	if err != nil || reply.Status != http.StatusTemporaryRedirect {
		t.Errorf("got %+v, %v", reply, err)
	}
}

func TestAConnectionClosedBeforeTheAnswerIsNotTriedAgain(t *testing.T) {
	var calls atomic.Int32
	u := server(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) > 1 { // the second call finds a connection that dies
			conn, _, _ := w.(http.Hijacker).Hijack()
			_ = conn.Close()
		}
	})
	c := client(t, Config{})
	if _, err := c.Do(t.Context(), Request{URL: u, Header: http.Header{}, Body: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	_, err := c.Do(t.Context(), Request{URL: u, Header: http.Header{}, Body: []byte("x")})
	if model.ClassOf(err) != model.ClassConnection || calls.Load() != 2 {
		t.Errorf("got %v after %d calls", err, calls.Load())
	}
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    model.Class
	}{
		{"an answer cut short", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "short")
		}, model.ClassConnection},
		{"an answer that says it is too large", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "33554433")
		}, model.ClassBadOutput},
		{"no answer in time", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}, model.ClassTimeout},
		{"an answer that stops halfway", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, model.ClassTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := client(t, Config{Timeout: 50 * time.Millisecond})
			if tt.want != model.ClassTimeout {
				c = client(t, Config{})
			}
			_, err := c.Do(t.Context(), Request{URL: server(t, tt.handler), Header: http.Header{}, Body: []byte("x")})
			if model.ClassOf(err) != tt.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAServerThatIsNotThereIsAConnectionFault(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/"}
	if err := client(t, Config{}).Reach(t.Context(), u); err != nil {
		t.Errorf("while it listens: %v", err)
	}
	_ = l.Close()
	_, err = client(t, Config{}).Do(t.Context(), Request{URL: u, Header: http.Header{}})
	if model.ClassOf(err) != model.ClassConnection || !strings.Contains(err.Error(), "endpoint e: connection") {
		t.Errorf("got %v", err)
	}
	if err := client(t, Config{}).Reach(t.Context(), u); model.ClassOf(err) != model.ClassConnection {
		t.Errorf("reach: %v", err)
	}
}

func TestAServerThatDoesNotSpeakHTTPIsAConnectionFault(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		_, _ = io.WriteString(conn, "220 mail ready\r\n\r\n")
	}()
	u := &url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/"}
	_, err = client(t, Config{}).Do(t.Context(), Request{URL: u, Header: http.Header{}, Body: []byte("x")})
	if model.ClassOf(err) != model.ClassConnection {
		t.Errorf("got %v", err)
	}
}

// BenchmarkDo and BenchmarkPlainClient are read together: what one exchange
// costs beyond the plain client of the standard library.
func BenchmarkDo(b *testing.B) {
	u := echo(b)
	c := New(Config{Endpoint: "e", Connections: 64, Timeout: time.Minute})
	defer c.Close()
	header := http.Header{"Content-Type": {"text/csv"}}
	body := []byte(strings.Repeat("1.5,", 50))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Do(b.Context(), Request{URL: u, Header: header, Body: body}); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkPlainClient(b *testing.B) {
	u := echo(b).String()
	c := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64, MaxConnsPerHost: 64, DisableCompression: true}}
	body := strings.Repeat("1.5,", 50)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := c.Post(u, "text/csv", strings.NewReader(body))
			if err != nil {
				b.Error(err)
				continue
			}
			_, _ = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
		}
	})
}

func echo(b *testing.B) *url.URL {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}))
	b.Cleanup(s.Close)
	u, _ := url.Parse(s.URL)
	return u
}

func TestARequestForWhichThereIsAConnectionTooLateIsNotSent(t *testing.T) {
	for name, start := range map[string]func(http.Handler) *httptest.Server{"plain": httptest.NewServer, "over TLS": httptest.NewTLSServer} {
		t.Run(name, func(t *testing.T) {
			var seen atomic.Int32
			reached, release := make(chan struct{}), make(chan struct{})
			s := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if seen.Add(1) == 1 {
					close(reached)
					<-release
				}
				_, _ = io.Copy(w, r.Body)
			}))
			t.Cleanup(s.Close)
			u, err := url.Parse(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			c := client(t, Config{Connections: 1, TLS: s.Client().Transport.(*http.Transport).TLSClientConfig})
			ask := func(latest time.Time) error {
				_, err := c.Do(t.Context(), Request{URL: u, Header: http.Header{}, Body: []byte("x"), Latest: latest})
				return err
			}
			first, second := make(chan error), make(chan error)
			go func() { first <- ask(time.Time{}) }()
			<-reached
			latest := time.Now().Add(20 * time.Millisecond)
			go func() { second <- ask(latest) }()
			<-time.After(time.Until(latest))
			close(release)
			if err := <-second; model.ClassOf(err) != model.ClassLate || !errors.Is(err, ErrLate) {
				t.Errorf("got %v", err)
			}
			if err := errors.Join(<-first, ask(time.Now().Add(time.Hour))); err != nil {
				t.Errorf("the calls before and after it: %v", err)
			}
			if n := seen.Load(); n != 2 {
				t.Errorf("the server saw %d requests", n)
			}
		})
	}
}

func TestALateRequestCostsOneConnectionAtMost(t *testing.T) {
	for name, body := range map[string]string{"with a body": "x", "without one": ""} {
		t.Run(name, func(t *testing.T) {
			var dialled atomic.Int32
			all := make(chan struct{}, 3)
			u := server(t, func(w http.ResponseWriter, r *http.Request) {
				if all <- struct{}{}; r.URL.RawQuery == "wait" {
					for len(all) < cap(all) {
						<-time.After(time.Millisecond)
					}
				}
			})
			c := client(t, Config{Connections: 3, Dialed: func() { dialled.Add(1) }})
			together := *u
			together.RawQuery = "wait"
			three := func() {
				ended := make(chan error)
				for range 3 {
					go func() {
						_, err := c.Do(t.Context(), Request{URL: &together, Header: http.Header{}, Body: []byte("x")})
						ended <- err
					}()
				}
				if err := errors.Join(<-ended, <-ended, <-ended); err != nil {
					t.Fatal(err)
				}
				for range 3 {
					<-all
				}
			}
			three()
			k := &clock{begun: time.Now(), latest: time.Now()} // it passed after Do had looked
			if _, err := c.exchange(t.Context(), k, Request{URL: u, Header: http.Header{}, Body: []byte(body)}); model.ClassOf(err) != model.ClassLate {
				t.Errorf("got %v", err)
			}
			three()
			if n := dialled.Load(); n > 4 || len(all) > 0 {
				t.Errorf("%d connections for three calls at once, the server saw %d requests too many", n, len(all))
			}
		})
	}
}
