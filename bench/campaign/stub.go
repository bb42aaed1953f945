package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fastjson"
)

// stub is a model server with a service time and a log of its own: per event,
// the time from its request to its answer being ready. The answer says the same.
type stub struct {
	least, most time.Duration // of the service time
	server      *http.Server
	url         string
	parsers     fastjson.ParserPool

	mu    sync.Mutex
	took  map[string]time.Duration // by the event's id; of the newest call
	calls int
}

// newStub takes a service time from the range for each call.
func newStub(least, most time.Duration) (*stub, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("stub: %w", err)
	}
	s := &stub{least: least, most: most, url: "http://" + ln.Addr().String() + "/invocations", took: map[string]time.Duration{}}
	s.server = &http.Server{Handler: http.HandlerFunc(s.answer), ReadHeaderTimeout: 5 * time.Second}
	go s.server.Serve(ln)
	return s, nil
}

func (s *stub) close() { s.server.Close() }

func (s *stub) answer(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/invocations" {
		return
	}
	began := time.Now()
	id, err := s.read(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if s.most > 0 {
		time.Sleep(s.least + rand.N(s.most-s.least+1))
	}
	took := time.Since(began)
	s.note(id, took)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Server-Timing", "model;dur="+strconv.FormatFloat(took.Seconds()*1e3, 'f', 3, 64))
	_, _ = io.WriteString(w, `{"score":0.5}`)
}

func (s *stub) note(id string, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took[id] = took
	s.calls++
}

// read finds the event's id in the request.
func (s *stub) read(r *http.Request) (string, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	parser := s.parsers.Get()
	defer s.parsers.Put(parser)
	v, err := parser.ParseBytes(body)
	if err != nil {
		return "", err
	}
	return string(v.GetStringBytes("id")), nil
}

// log is what was served so far.
func (s *stub) log() (took map[string]time.Duration, calls int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.took, s.calls
}
