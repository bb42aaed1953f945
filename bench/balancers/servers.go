package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// partServe is the first argument of the process that holds the stub servers.
const partServe = "part-serve"

// most is how many servers there are; a fleet may use fewer.
const most = 10

// setting is what the servers' process is told and answers, as lines of JSON.
type setting struct {
	Addresses []string `json:"addresses,omitempty"`
	Fleet     *fleet   `json:"fleet,omitempty"`   // null: count
	Anew      bool     `json:"anew,omitempty"`    // with free slots, counted from nothing
	Calls     []int64  `json:"calls,omitempty"`   // of each server since
	Problem   string   `json:"problem,omitempty"` // why the fleet could not be set
}

// serve is the servers' process.
func serve() error {
	g, err := newGroup()
	if err != nil {
		return err
	}
	defer g.close()
	var first setting
	for _, s := range g.stubs {
		first.Addresses = append(first.Addresses, s.port.address)
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
		if err := out.Encode(g.answer(told)); err != nil {
			return err
		}
	}
}

// answer sets what is told and counts.
func (g *group) answer(told setting) setting {
	var err error
	switch {
	case told.Fleet != nil && told.Anew:
		err = g.reset(*told.Fleet)
	case told.Fleet != nil:
		err = g.change(*told.Fleet)
	}
	if err != nil {
		return setting{Problem: err.Error()}
	}
	return setting{Calls: g.counts()}
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
func (s *servers) tell(what setting) ([]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.in.Encode(what); err != nil {
		return nil, err
	}
	var answer setting
	if err := s.out.Decode(&answer); err != nil {
		return nil, fmt.Errorf("the servers' process: %w", err)
	}
	if answer.Problem != "" {
		return nil, fmt.Errorf("the servers' process: %s", answer.Problem)
	}
	return answer.Calls, nil
}

func (s *servers) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}
