package main

import (
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fastjson"
)

// mood is how a model treats an event, whoever asks and however often.
type mood int

const (
	kind    mood = iota // answers
	tired               // fails at the first time
	refuses             // does not take it: a dead letter at once
	broken              // always fails: a dead letter after its attempts
	verbose             // answers more than a topic takes: a dead letter
)

// moodOf is decided by the event's id.
func moodOf(id string) mood {
	h := fnv.New32a()
	_, _ = io.WriteString(h, id) // never fails
	switch n := h.Sum32() % 1000; {
	case n < 40:
		return tired
	case n < 70:
		return refuses
	case n < 74:
		return broken
	case n < 84: // often enough for one of its key to die behind it in the same transaction
		return verbose
	}
	return kind
}

// dies says that an event of this mood ends as a dead letter.
func (m mood) dies() bool { return m != kind && m != tired }

// moody is a model server whose answer depends on the event, and that can be
// out of order altogether.
type moody struct {
	least, most time.Duration
	server      *http.Server
	url         string
	parsers     fastjson.ParserPool
	away        atomic.Bool

	mu     sync.Mutex
	asked  map[string]int // by id
	number int
}

// muchAnswer is more than a topic takes in one record.
const muchAnswer = 1_200_000

func newMoody(least, most time.Duration) (*moody, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	m := newBooks(least, most)
	m.url = "http://" + ln.Addr().String() + "/invocations"
	m.server = &http.Server{Handler: http.HandlerFunc(m.answer), ReadHeaderTimeout: 5 * time.Second}
	go m.server.Serve(ln)
	return m, nil
}

// newBooks is the model without a server.
func newBooks(least, most time.Duration) *moody {
	return &moody{least: least, most: most, asked: map[string]int{}}
}

func (m *moody) close() { m.server.Close() }

func (m *moody) lead(s *station) { s.Model = m.url }

func (m *moody) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // its caller is gone
	}
	if m.away.Load() {
		http.Error(w, "away", http.StatusServiceUnavailable)
		return
	}
	id := m.id(body)
	time.Sleep(m.least + rand.N(m.most-m.least+1))
	status, text := m.say(moodOf(id), m.times(id))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // its caller may be gone
}

// say is the answer to the so manieth question about one event.
func (m *moody) say(mood mood, times int) (status int, text string) {
	switch {
	case mood == refuses:
		return http.StatusBadRequest, `{"error":"no such card"}`
	case mood == broken, mood == tired && times == 1:
		return http.StatusInternalServerError, `{"error":"out of order"}`
	case mood == verbose:
		return http.StatusOK, `{"score":0.5,"why":"` + strings.Repeat("x", muchAnswer) + `"}`
	}
	return http.StatusOK, `{"score":0.5}`
}

func (m *moody) id(body []byte) string {
	p := m.parsers.Get()
	defer m.parsers.Put(p)
	v, err := p.ParseBytes(body)
	if err != nil {
		return ""
	}
	return string(v.GetStringBytes("id"))
}

func (m *moody) times(id string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked[id]++
	m.number++
	return m.asked[id]
}

// total is how many questions were asked.
func (m *moody) total() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.number
}
