package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"bufio"
)

// partServe is the first argument of the process that holds the stub servers.
const partServe = "part-serve"

// most is how many servers there are; a fleet may use fewer.
const most = 10

// stub is one model server: so many calls at once, the others wait in it.
type stub struct {
	number int
	group  *group
	slots  atomic.Pointer[chan struct{}]
	calls  atomic.Int64
}

// group are the stub servers of one process.
type group struct {
	fleet atomic.Pointer[fleet]
	stubs [most]*stub
}

// setting is what the servers' process is told and answers, as lines of JSON.
type setting struct {
	Addresses []string `json:"addresses,omitempty"`
	Fleet     *fleet   `json:"fleet,omitempty"` // set anew; null: count
	Calls     []int64  `json:"calls,omitempty"` // of each server since
}

// serve is the servers' process.
func serve() error {
	g := &group{}
	var first setting
	for i := range g.stubs {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		g.stubs[i] = &stub{number: i, group: g}
		server := &http.Server{Handler: g.stubs[i], ReadHeaderTimeout: 5 * time.Second}
		go server.Serve(ln)
		first.Addresses = append(first.Addresses, ln.Addr().String())
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(first); err != nil {
		return err
	}
	for in := json.NewDecoder(os.Stdin); ; {
		var told setting
		if err := in.Decode(&told); err != nil {
			return nil // the other side has ended
		}
		if told.Fleet != nil {
			g.set(*told.Fleet)
		}
		var answer setting
		for _, s := range g.stubs {
			answer.Calls = append(answer.Calls, s.calls.Load())
		}
		if err := out.Encode(answer); err != nil {
			return err
		}
	}
}

// set makes the servers those of another fleet.
func (g *group) set(f fleet) {
	for i, n := range f.Slots {
		slots := make(chan struct{}, n)
		g.stubs[i].slots.Store(&slots)
	}
	g.fleet.Store(&f)
	for _, s := range g.stubs {
		s.calls.Store(0)
	}
}

// ServeHTTP answers {"v":1} after the service time.
func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	s.calls.Add(1)
	f := s.group.fleet.Load()
	if s.number == f.Broken {
		http.Error(w, "out of memory", http.StatusInternalServerError)
		return
	}
	took := f.Least + rand.N(f.Most-f.Least)
	if s.number == f.Slow {
		took *= 10
	}
	if rand.Float64() < f.Stalls {
		took += 100 * time.Millisecond
	}
	slots := *s.slots.Load()
	select {
	case slots <- struct{}{}:
	case <-r.Context().Done():
		return
	}
	defer func() { <-slots }()
	select {
	case <-time.After(took):
	case <-r.Context().Done():
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"v":1}`)
}

// servers are the stub servers as the load's process sees them.
type servers struct {
	addresses []string
	mu        sync.Mutex
	in        *json.Encoder
	out       *json.Decoder
	cmd       *exec.Cmd
}

func startServers() (*servers, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &servers{cmd: exec.Command(self, partServe)}
	s.cmd.Stderr = os.Stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := s.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.in, s.out = json.NewEncoder(in), json.NewDecoder(bufio.NewReader(out))
	var first setting
	if err := s.out.Decode(&first); err != nil {
		return nil, fmt.Errorf("the servers' process: %w", err)
	}
	s.addresses = first.Addresses
	return s, nil
}

// tell sets the fleet, when there is one, and gives the calls of each server so far.
func (s *servers) tell(f *fleet) ([]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.in.Encode(setting{Fleet: f}); err != nil {
		return nil, err
	}
	var answer setting
	err := s.out.Decode(&answer)
	return answer.Calls, err
}

func (s *servers) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}
