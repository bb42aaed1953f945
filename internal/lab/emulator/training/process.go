package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	stopGrace = 120 * time.Second // AWS's, between SIGTERM and SIGKILL
	drain     = time.Second       // for output of children that outlive the program
)

// execute runs the program until it ends. The error is nil for exit code 0,
// ErrStopped or ErrRuntime when it was asked to end, or what AWS would say.
func (r *Runner) execute(ctx context.Context, f *folder, j Job, path string, output io.Writer) error {
	last := &lastLine{}
	command := exec.Command(path, arguments(j)...)
	seen := r.mounts.prepare(command, f)
	command.Stdout = io.MultiWriter(output, last)
	command.Stderr = command.Stdout
	command.WaitDelay = drain
	command.Dir = f.base
	command.Env = append(os.Environ(), r.environment(j, seen)...)
	alive, err := startProcess(command)
	if err != nil {
		return fmt.Errorf("AlgorithmError: the program did not start: %w", err)
	}
	asked := r.wait(ctx, alive, j.Runtime)
	if asked != nil {
		r.end(alive, command.Process.Pid, asked)
	}
	killGroup(command.Process.Pid) // what it left running
	if asked != nil {
		return asked
	}
	return exitError(command.ProcessState, f, last)
}

func arguments(j Job) []string {
	if len(j.Arguments) > 0 {
		return j.Arguments
	}
	return []string{"train"}
}

// startProcess starts a program from a thread that lives as long as it does:
// Linux kills a child whose parent thread ends. The context ends with the program.
func startProcess(command *exec.Cmd) (context.Context, error) {
	alive, gone := context.WithCancel(context.Background())
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer gone()
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait() // how it ended is in its state
		}
	}()
	return alive, <-started
}

// wait sleeps on the emulator's clock, so that others can advance it, until the
// program is gone (nil), its time is over or somebody wants it to end.
func (r *Runner) wait(ctx, alive context.Context, limit time.Duration) error {
	if limit <= 0 {
		limit = math.MaxInt64 / 4
	}
	either, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(alive, stop)()
	if r.Clock.Sleep(either, limit) == nil {
		return ErrRuntime
	}
	if alive.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// end asks the program to end and, when it does not, ends it.
func (r *Runner) end(alive context.Context, group int, why error) {
	if errors.Is(why, ErrStopped) || errors.Is(why, ErrRuntime) {
		_ = syscall.Kill(-group, syscall.SIGTERM) // it may have ended
		grace := r.Grace
		if grace == 0 {
			grace = stopGrace
		}
		_ = r.Clock.Sleep(alive, grace)
	}
	killGroup(group)
	<-alive.Done()
}

func killGroup(group int) { _ = syscall.Kill(-group, syscall.SIGKILL) } // there may be nobody

// exitError is nil for success, else AWS's words for what the program wrote, or
// its last line where it wrote nothing.
func exitError(state *os.ProcessState, f *folder, last *lastLine) error {
	code := state.ExitCode()
	if w, ok := state.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		code = 128 + int(w.Signal())
	}
	if code == 0 {
		return nil
	}
	end := fmt.Sprintf(", exit code: %d", code)
	const begin = "AlgorithmError: "
	room := maxFailure - len(begin) - len(end)
	said := f.failure(int64(room))
	if said == "" {
		said = fmt.Sprintf("the program wrote no output/failure; the last line of its log is %q", last)
	}
	return errors.New(begin + strings.ToValidUTF8(said[:min(len(said), room)], "") + end)
}
