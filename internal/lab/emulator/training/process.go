package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"betimes/internal/lab/emulator/engine"
	"betimes/internal/lab/emulator/program"
)

// stopGrace is AWS's time between SIGTERM and SIGKILL.
const stopGrace = 120 * time.Second

// execute runs the program, or the job at a server, until it ends. The error is nil for exit code 0,
// ErrStopped or ErrRuntime when it was asked to end, or what AWS would say.
func (r *Runner) execute(ctx context.Context, f *folder, j Job, path string, output io.Writer) error {
	last := &lastLine{}
	run, ended, err := r.begin(f, j, path, io.MultiWriter(output, last))
	if err != nil {
		return fmt.Errorf("AlgorithmError: the program did not start: %w", err)
	}
	if asked := r.wait(ctx, run.Alive(), j.Runtime); asked != nil {
		r.end(run, asked)
		return asked
	}
	return ended(f, last)
}

// running is what trains: a process here, or a job at a server.
type running interface {
	Alive() context.Context // ends with it
	TerminateAll()          // asks it to end
	Kill()
}

// begin starts what trains; ended says how it ended.
func (r *Runner) begin(f *folder, j Job, path string, output io.Writer) (run running, ended func(*folder, *lastLine) error, err error) {
	if isServer(j.Image) {
		s, err := r.startServer(path, f, j, output)
		if err != nil {
			return nil, nil, err
		}
		return s, s.ended, nil
	}
	c := program.Command{Path: path, Arguments: arguments(j), Base: f.base, Variables: r.environment(j, r.Programs.Seen(f.base))}
	if path == "" {
		c, err = r.Engine.Command(engine.Container{Image: j.Image, Base: f.base, Arguments: arguments(j), Variables: r.environment(j, engine.ContractDir)})
		if err != nil {
			return nil, nil, err
		}
	}
	c.Output = output
	p, err := r.Programs.Start(c)
	if err != nil {
		return nil, nil, err
	}
	return p, func(f *folder, last *lastLine) error { return exitError(p.ExitCode(), f, last) }, nil
}

func arguments(j Job) []string {
	if len(j.Arguments) > 0 {
		return j.Arguments
	}
	return []string{"train"}
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
func (r *Runner) end(run running, why error) {
	if errors.Is(why, ErrStopped) || errors.Is(why, ErrRuntime) {
		run.TerminateAll()
		grace := r.Grace
		if grace == 0 {
			grace = stopGrace
		}
		_ = r.Clock.Sleep(run.Alive(), grace)
	}
	run.Kill()
	<-run.Alive().Done()
}

// exitError is nil for success, else AWS's words for what the program wrote, or
// its last line where it wrote nothing.
func exitError(code int, f *folder, last *lastLine) error {
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
