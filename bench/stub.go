package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"betimes/bench/floor/load"
	"betimes/bench/machine"
)

// stub is the model server: it answers {"ts":…,"v":…} of the ts it was sent,
// after its service time, and keeps a log of its own. Asked about a list, or about
// {"instances":[…]}, it answers a list or {"predictions":[…]}.
type stub struct {
	service     time.Duration
	executors   *executors // nil: it works on all calls at once
	network     *network   // nil: it computes nothing
	server      *http.Server
	url         string
	connections atomic.Int64
	calls       atomic.Int64

	mu  sync.Mutex
	log []served
}

// served is one call as the stub itself measured it.
type served struct {
	ts   int64
	took time.Duration
}

// cost is what has been used so far. It is read here, so that the load does not
// stop for it.
type cost struct {
	Calls       int64         `json:"calls"`
	Connections int64         `json:"connections"`
	Worked      time.Duration `json:"worked"`  // by the model's executors
	System      time.Duration `json:"system"`  // CPU of the system under test, with its children
	Servers     time.Duration `json:"servers"` // CPU of brokers and stub
	Busy        time.Duration `json:"busy"`    // CPU of the whole machine
	Peak        int64         `json:"peak"`    // most memory of the system, bytes
}

// serve starts the server; with a certificate it speaks TLS only.
func (s *stub) serve(certificate *tls.Certificate) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("stub: %w", err)
	}
	s.url = "http://" + ln.Addr().String() + "/invocations"
	var http1 http.Protocols
	http1.SetHTTP1(true)
	s.server = &http.Server{Handler: http.HandlerFunc(s.answer), ConnState: s.count, ReadHeaderTimeout: 5 * time.Second, Protocols: &http1}
	if certificate != nil {
		s.url = "https://" + ln.Addr().String() + "/invocations"
		s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*certificate}}
		go s.server.ServeTLS(ln, "", "")
		return nil
	}
	go s.server.Serve(ln)
	return nil
}

func (s *stub) count(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		s.connections.Add(1)
	}
}

func (s *stub) answer(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out, asked, err := s.answers(body)
	if len(asked) > 0 {
		s.calls.Add(1)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch {
	case s.executors != nil:
		s.executors.work(len(asked))
	case s.service > 0:
		time.Sleep(s.service)
	}
	took := time.Since(began)
	s.note(asked, took)
	head := w.Header()
	head["Content-Type"] = []string{"application/json"}
	head["Server-Timing"] = []string{"model;dur=" + strconv.FormatFloat(float64(took.Microseconds())/1000, 'f', 3, 64)}
	w.Write(out)
}

// answers is what is answered about a body, and the ts that it asks about.
func (s *stub) answers(body []byte) (out []byte, asked []int64, err error) {
	before, after := "", ""
	switch {
	case bytes.HasPrefix(body, []byte("[")):
		before, after = "[", "]"
	case bytes.HasPrefix(body, []byte(`{"instances":[`)):
		before, after = `{"predictions":[`, "]}"
	}
	out = append(out, before...)
	for rest := body; ; {
		at := bytes.Index(rest, []byte(`"ts":`))
		if at < 0 {
			break
		}
		rest = rest[at:]
		ts := load.Field(rest, "ts")
		if ts < 0 || len(asked) > 0 && before == "" {
			return nil, nil, errUnreadable
		}
		if len(asked) > 0 {
			out = append(out, ',')
		}
		asked = append(asked, ts)
		if out, err = s.one(out, ts, rest); err != nil {
			return nil, asked, err
		}
		rest = rest[len(`"ts":`):]
	}
	if len(asked) == 0 {
		return nil, nil, errUnreadable
	}
	return append(out, after...), asked, nil
}

var errUnreadable = errors.New("no ts, or several outside a list")

// one appends the answer about one record.
func (s *stub) one(out []byte, ts int64, record []byte) ([]byte, error) {
	out = append(out, `{"ts":`...)
	out = append(strconv.AppendInt(out, ts, 10), `,"v":`...)
	out = strconv.AppendInt(out, load.Echo(ts), 10)
	if s.network != nil {
		var err error
		if out, err = s.network.answer(out, record); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

func (s *stub) note(asked []int64, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ts := range asked {
		s.log = append(s.log, served{ts, took})
	}
}

// costOf serves what the system of ?pid= has used, and where brokers of ?servers= are
// processes of their own, what those have.
func (s *stub) costOf(w http.ResponseWriter, r *http.Request) {
	pid, _ := strconv.Atoi(r.URL.Query().Get("pid"))
	servers := machine.CPU(os.Getpid())
	for _, text := range r.URL.Query()["servers"] {
		if other, _ := strconv.Atoi(text); other > 0 {
			servers += machine.CPU(other)
		}
	}
	worked := time.Duration(0)
	if s.executors != nil {
		worked = time.Duration(s.executors.busy.Load())
	}
	json.NewEncoder(w).Encode(cost{s.calls.Load(), s.connections.Load(), worked, machine.CPU(pid), servers, machine.Busy(), machine.Peak(pid)})
}

// close stops the server and, with a path, writes its log: ts,microseconds per line.
func (s *stub) close(path string) error {
	s.server.Close()
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for _, one := range s.log {
		fmt.Fprintf(w, "%d,%d\n", one.ts, one.took.Microseconds())
	}
	return w.Flush()
}
