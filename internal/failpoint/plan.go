//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// action is what happens at one point.
type action struct {
	name  string
	what  string
	delay time.Duration
	nth   int // 1 is the first time
}

// plan is what the environment asked for.
type plan struct {
	actions []action
	log     string // file that first times are written to; empty: none

	mu      sync.Mutex
	reached map[string]int
}

// parse reads NAME:ACTION[:NTH],…
func parse(text string) (*plan, error) {
	p := &plan{reached: map[string]int{}}
	if text == "" {
		return p, nil
	}
	for one := range strings.SplitSeq(text, ",") {
		a, err := parseAction(one)
		if err != nil {
			return nil, fmt.Errorf("BETIMES_FAILPOINT: %q: %w; write NAME:ACTION[:NTH]", one, err)
		}
		p.actions = append(p.actions, a)
	}
	return p, nil
}

func parseAction(text string) (action, error) {
	parts := strings.Split(text, ":")
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" {
		return action{}, fmt.Errorf("%d parts", len(parts))
	}
	a := action{name: parts[0], what: parts[1], nth: 1}
	if pause, ok := strings.CutPrefix(a.what, "delay="); ok {
		d, err := time.ParseDuration(pause)
		if err != nil {
			return action{}, err
		}
		a.what, a.delay = "delay", d
	} else if !slices.Contains([]string{"kill", "exit", "stop", "error"}, a.what) {
		return action{}, fmt.Errorf("%q is none of kill, exit, stop, error, delay=DURATION", a.what)
	}
	if len(parts) == 3 {
		n, err := strconv.Atoi(parts[2])
		if err != nil || n < 1 {
			return action{}, fmt.Errorf("%q is not a number from 1", parts[2])
		}
		a.nth = n
	}
	return a, nil
}

// reach counts a point and returns what is to happen there now.
func (p *plan) reach(name string) action {
	if len(p.actions) == 0 && p.log == "" {
		return action{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reached[name]++
	if p.reached[name] == 1 && p.log != "" {
		p.note(name)
	}
	for _, a := range p.actions {
		if a.name == name && a.nth == p.reached[name] {
			return a
		}
	}
	return action{}
}

// note appends a name to the log.
func (p *plan) note(name string) {
	f, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(name + "\n")
		_ = f.Close() // nothing is held back
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "betimes: BETIMES_FAILPOINT_LOG:", err)
		os.Exit(exitCode)
	}
}
