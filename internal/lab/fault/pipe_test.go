package fault_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"betimes/internal/lab/fault"
)

// model is a server behind a pipe, and a client with connections of its own.
func model(t *testing.T) (*fault.Pipe, func() (string, error)) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	p, err := fault.NewPipe(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	return p, func() (string, error) {
		answer, err := client.Post("http://"+p.Addr(), "text/plain", strings.NewReader("hello"))
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		return string(text), err
	}
}

func TestAPipePassesOn(t *testing.T) {
	p, ask := model(t)
	if got, err := ask(); got != "hello" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	p.Delay(5 * time.Millisecond)
	if got, err := ask(); got != "hello" || err != nil {
		t.Errorf("late: got %q, %v", got, err)
	}
	p.Delay(0)
	p.Reset()
	if got, err := ask(); got != "hello" || err != nil {
		t.Errorf("on a new connection: got %q, %v", got, err)
	}
}

func TestWhatWasSilentIsHeardAfterwards(t *testing.T) {
	for name, side := range map[string]fault.Side{"requests": fault.Request, "answers": fault.Response} {
		t.Run(name, func(t *testing.T) {
			p, ask := model(t)
			over := p.Silence(side)
			type heard struct {
				text string
				err  error
			}
			done := make(chan heard, 1)
			go func() {
				text, err := ask()
				done <- heard{text, err}
			}()
			select {
			case got := <-done:
				t.Fatalf("heard %v through silence", got)
			case <-time.After(50 * time.Millisecond):
			}
			over()
			if got := <-done; got.text != "hello" || got.err != nil {
				t.Errorf("heard %v", got)
			}
		})
	}
}

func TestAResetIsSeenByWhoeverWaits(t *testing.T) {
	p, ask := model(t)
	over := p.Silence(fault.Response)
	done := make(chan error, 1)
	go func() { _, err := ask(); done <- err }()
	for {
		p.Reset()
		select {
		case err := <-done:
			over()
			if err == nil {
				t.Error("a connection that was reset brought an answer")
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
}
