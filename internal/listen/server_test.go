package listen

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestAPortInUseNamesTheSettingAndTheRemedy(t *testing.T) {
	l, err := Open("127.0.0.1:0", "a.listen")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = Open(l.Addr().String(), "b.listen")
	if err == nil || !strings.HasPrefix(err.Error(), "b.listen: "+l.Addr().String()+" is in use") {
		t.Errorf("got %v", err)
	}
	if _, err = Open("192.0.2.1:80", "b.listen"); err == nil || !strings.HasPrefix(err.Error(), "b.listen: cannot listen") {
		t.Errorf("got %v", err)
	}
}

func TestLoopbackIsThisMachineOnly(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:80": true, "127.9.9.9:0": true, "localhost:80": true, "[::1]:80": true,
		"0.0.0.0:80": false, ":80": false, "[::]:80": false, "10.0.0.1:80": false, "example.com:80": false, "127.0.0.1": false,
	} {
		if IsLoopback(addr) != want {
			t.Errorf("IsLoopback(%q) is %t", addr, !want)
		}
	}
}

func TestARunningRequestIsFinishedBeforeTheServerEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	begun, finish := make(chan struct{}), make(chan struct{})
	s := Server{Listener: l, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		_, _ = io.WriteString(w, "done")
	})}
	ctx, stop := context.WithCancel(t.Context())
	ended, body := make(chan error, 1), make(chan string, 1)
	go func() { ended <- s.Run(ctx) }()
	go func() {
		answer, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			body <- err.Error()
			return
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		body <- string(text)
	}()
	<-begun
	stop()
	close(finish)
	if got := <-body; got != "done" {
		t.Errorf("the running request got %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("the listener is still open")
	}
}

func TestHeadersBeyondTheLimitAreRefused(t *testing.T) {
	addr := run(t, &Server{Handler: hello})
	r, err := http.NewRequest(http.MethodGet, "http://"+addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-A", strings.Repeat("a", 2*maxHeaderBytes))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answer is %s", answer.Status)
	}
}
