package fault_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"betimes/internal/lab/fault"
)

// sleeper is a process that ends when it is told to, and comes back.
type sleeper struct {
	t      *testing.T
	cmd    *exec.Cmd
	gone   chan struct{}
	starts int
}

func (s *sleeper) Process() *os.Process { return s.cmd.Process }

func (s *sleeper) Gone(ctx context.Context) error {
	select {
	case <-s.gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *sleeper) Again(context.Context) error {
	s.cmd, s.gone = exec.Command("sleep", "600"), make(chan struct{})
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.starts++
	cmd, gone := s.cmd, s.gone
	go func() { defer close(gone); _ = cmd.Wait() }()
	return nil
}

func newSleeper(t *testing.T) *sleeper {
	t.Helper()
	s := &sleeper{t: t}
	if err := s.Again(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill(); <-s.gone })
	return s
}

// state is what the system says of a process: T is stopped.
func state(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return rest[:1]
}

// files is the limit of open files of a process.
func files(t *testing.T, pid int) string {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, values, ok := strings.Cut(lines.Text(), "Max open files"); ok && name == "" {
			return strings.Fields(values)[0]
		}
	}
	t.Fatal("no limit of open files")
	return ""
}

func TestANemesisStrikesAndLetsGo(t *testing.T) {
	a, b := newSleeper(t), newSleeper(t)
	allowed := files(t, b.cmd.Process.Pid)
	var mu sync.Mutex
	var told []string
	n := fault.Nemesis{Victims: map[string]fault.Victim{"a": a, "b": b}, Struck: func(blow fault.Blow, _ time.Time) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, blow.What.String()+" "+blow.Who)
		pid := b.cmd.Process.Pid
		switch blow.What {
		case fault.Stop:
			for end := time.Now().Add(time.Minute); state(t, pid) != "T"; { // the signal is on its way
				if time.Now().After(end) {
					t.Fatalf("who was stopped is %s", state(t, pid))
				}
			}
		case fault.Starve:
			if files(t, pid) == allowed {
				t.Error("who was starved may open as many files as before")
			}
		}
	}}
	err := n.Run(limit(t), []fault.Blow{
		{Who: "a", What: fault.Kill}, {Who: "a", What: fault.Terminate},
		{Who: "b", What: fault.Stop, For: 20 * time.Millisecond}, {Who: "b", What: fault.Starve, For: 20 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"kill a", "terminate a", "stop b", "starve b"}; !slices.Equal(told, want) {
		t.Errorf("it did %q, want %q", told, want)
	}
	pid := b.cmd.Process.Pid
	if a.starts != 3 || b.starts != 1 || state(t, pid) == "T" || files(t, pid) != allowed {
		t.Errorf("starts %d and %d, state %s, files %s; want 3, 1, going, %s", a.starts, b.starts, state(t, pid), files(t, pid), allowed)
	}
}

func TestAStoppedProcessCanBeTerminated(t *testing.T) {
	a := newSleeper(t)
	n := fault.Nemesis{Victims: map[string]fault.Victim{"a": a}}
	err := n.Run(limit(t), []fault.Blow{{Who: "a", What: fault.Stop, For: 50 * time.Millisecond}, {Who: "a", What: fault.Terminate}})
	if err != nil || a.starts != 2 {
		t.Errorf("%d starts, %v", a.starts, err)
	}
}
