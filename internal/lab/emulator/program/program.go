package program

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// markVariable holds the folder of a program in its environment, and so in
// that of all that it starts.
const markVariable = "BETIMES_PROGRAM"

// lateOutput is how long what cannot be ended may write after the program.
const lateOutput = time.Second

// Starter starts programs.
type Starter struct {
	once   sync.Once
	mounts bool
}

// Command is what to start.
type Command struct {
	Path      string
	Arguments []string
	Base      string   // its folder; Base/ml is what it sees at Seen
	Variables []string // NAME=value, beside the emulator's own
	Output    io.Writer
	Bare      bool   // it sees Base/ml nowhere else
	After     func() // is called once, when it has ended or was not started; nil: nothing is
}

// Seen is the path at which a program sees base/ml: /opt/ml where the machine
// allows that, else base/ml itself. base exists.
func (s *Starter) Seen(base string) string {
	path, _ := s.seen(base)
	return path
}

// Running is a program. It ends by itself or by Kill.
type Running struct {
	alive   context.Context // ends with the program
	command *exec.Cmd
}

// Start starts a program from a thread that lives as long as the program does:
// Linux kills a child whose parent thread ends.
func (s *Starter) Start(c Command) (*Running, error) {
	if c.After == nil {
		c.After = func() {}
	}
	mark, err := filepath.Abs(c.Base)
	if err != nil {
		c.After()
		return nil, err
	}
	command := exec.Command(c.Path, c.Arguments...)
	command.SysProcAttr = attributes()
	if _, mounted := s.seen(c.Base); mounted && !c.Bare {
		enclose(command, c.Base)
	}
	command.Dir = c.Base
	command.Env = append(append(os.Environ(), c.Variables...), markVariable+"="+mark)
	out, in, err := os.Pipe()
	if err != nil {
		c.After()
		return nil, err
	}
	command.Stdout, command.Stderr = in, in
	alive, gone := context.WithCancel(context.Background())
	r := &Running{alive, command}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer gone()
		defer out.Close()
		defer c.After()
		err := errors.Join(command.Start(), in.Close())
		started <- err
		if err == nil {
			read := drain(out, c.Output)
			_ = command.Wait() // how it ended is in its state
			r.Kill()           // what it left running in its group
			Sweep(mark)        // and beside it
			_ = out.SetReadDeadline(time.Now().Add(lateOutput))
			<-read
		}
	}()
	return r, <-started
}

// drain copies what a program writes; the channel closes at the end of that.
func drain(from io.Reader, to io.Writer) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if to == nil {
			to = io.Discard
		}
		_, _ = io.Copy(to, from) // until all who could write are gone, or have had time enough
	}()
	return done
}

// Alive ends with the program.
func (r *Running) Alive() context.Context { return r.alive }

// Terminate asks the program alone to end, as an engine asks the first process of a container.
func (r *Running) Terminate() { _ = r.command.Process.Signal(syscall.SIGTERM) } // it may have ended

// TerminateAll asks the program and what it started to end.
func (r *Running) TerminateAll() { _ = syscall.Kill(-r.command.Process.Pid, syscall.SIGTERM) } // there may be nobody

// Kill ends the program and what it started.
func (r *Running) Kill() { _ = syscall.Kill(-r.command.Process.Pid, syscall.SIGKILL) } // there may be nobody

// ExitCode is how a program ended that is not alive; 128 and the signal where one ended it.
func (r *Running) ExitCode() int {
	state := r.command.ProcessState
	if w, ok := state.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return state.ExitCode()
}
