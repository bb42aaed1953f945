package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fastjson"
)

// visit is one call of a model: who asked, about which event, when.
type visit struct {
	worker string
	id     string
	at     time.Time
	done   time.Time // zero: its caller was gone before the answer
}

// witness is a model server that notes every call. Each worker asks at a path
// of its own, so that it is seen from outside who has which partition.
type witness struct {
	least, most time.Duration                  // of the service time
	slow        func(id string) time.Duration  // what some events take besides; may be nil
	saw         func(id string, h http.Header) // is told of each call; may be nil
	server      *http.Server
	base        string
	parsers     fastjson.ParserPool
	blind       bool // bodies are not looked at

	mu     sync.Mutex
	visits []visit
	now    map[string]int // calls under way, by worker
}

func newWitness(least, most time.Duration) (*witness, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	w := &witness{least: least, most: most, base: "http://" + ln.Addr().String(), now: map[string]int{}}
	w.server = &http.Server{Handler: http.HandlerFunc(w.answer), ReadHeaderTimeout: 5 * time.Second}
	go w.server.Serve(ln)
	return w, nil
}

func (w *witness) close() { w.server.Close() }

// url is where a worker asks.
func (w *witness) url(worker string) string { return w.base + "/of/" + worker }

func (w *witness) answer(out http.ResponseWriter, r *http.Request) {
	worker, ok := strings.CutPrefix(r.URL.Path, "/of/")
	if !ok || r.Method != http.MethodPost {
		return
	}
	id, err := w.read(r.Body)
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	if w.saw != nil {
		w.saw(id, r.Header)
	}
	n := w.enter(worker, id)
	defer w.leave(n)
	wait := w.least
	if w.most > w.least {
		wait += rand.N(w.most - w.least)
	}
	if w.slow != nil {
		wait += w.slow(id)
	}
	select {
	case <-time.After(wait):
	case <-r.Context().Done():
		return
	}
	w.served(n)
	out.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(out, `{"score":0.5}`)
}

// read finds the event's id in a request.
func (w *witness) read(from io.Reader) (string, error) {
	if w.blind {
		_, err := io.Copy(io.Discard, from)
		return "", err
	}
	body, err := io.ReadAll(from)
	if err != nil {
		return "", err
	}
	p := w.parsers.Get()
	defer w.parsers.Put(p)
	v, err := p.ParseBytes(body)
	if err != nil {
		return "", nil // whoever asks with such a body is not known
	}
	return string(v.GetStringBytes("id")), nil
}

func (w *witness) enter(worker, id string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.visits = append(w.visits, visit{worker: worker, id: id, at: time.Now()})
	w.now[worker]++
	return len(w.visits) - 1
}

func (w *witness) served(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.visits[n].done = time.Now()
}

func (w *witness) leave(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now[w.visits[n].worker]--
}

// under is how many calls of a worker are under way.
func (w *witness) under(worker string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now[worker]
}

// log is every call so far, in the order of their beginnings.
func (w *witness) log() []visit {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]visit(nil), w.visits...)
}

// repeats counts the events that were asked about more than once.
func repeats(visits []visit) int {
	times := map[string]int{}
	again := 0
	for _, v := range visits {
		if times[v.id]++; times[v.id] == 2 {
			again++
		}
	}
	return again
}
