package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Bounds of waiting for a process.
const (
	readyIn = 90 * time.Second
	stopIn  = 40 * time.Second
)

// saidReady is in the line that a role says once it works.
const saidReady = " is ready after "

// build makes the binary to examine, or takes the one that was named.
func (o options) build(ctx context.Context) (string, error) {
	if o.binary != "" || o.name == "fuzz" {
		return filepath.Abs(o.binary)
	}
	binary := filepath.Join(o.workdir, "betimes")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", o.tags(), "-o", binary, "betimes/cmd/betimes")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building betimes: %w\n%s", err, out)
	}
	return binary, nil
}

// tags are those of the binary: only one that is to be killed at failpoints has them.
func (o options) tags() string {
	if o.name == "failpoints" {
		return "failpoints"
	}
	return ""
}

// process is one betimes under examination.
type process struct {
	cmd     *exec.Cmd
	role    string
	started time.Time
	ready   chan struct{} // closed when it said so
	ended   chan struct{} // closed when it has ended and all it said was read

	mu   sync.Mutex
	said []string // newest lines
	err  error    // how it ended; valid once ended is closed
}

// start runs a role of a file. What it says goes to ROLE.log beside the file as well.
func (o options) start(role, file string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(filepath.Dir(file), role+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(o.binary, role, file)
	cmd.Dir, cmd.Env = filepath.Dir(file), append(os.Environ(), o.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, role: role, started: time.Now(), ready: make(chan struct{}), ended: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		log.Close()
		return nil, fmt.Errorf("start %s %s: %w", o.binary, role, err)
	}
	go p.listen(stderr, log)
	return p, nil
}

// keptLines is how much of what a process said an error shows.
const keptLines = 30

// listen reads what the process says until it has ended.
func (p *process) listen(stderr io.Reader, log io.WriteCloser) {
	defer close(p.ended)
	defer log.Close()
	lines := bufio.NewScanner(io.TeeReader(stderr, log))
	lines.Buffer(nil, 1<<20)
	told := false
	for lines.Scan() {
		p.mu.Lock()
		p.said = append(p.said, lines.Text())
		if len(p.said) > keptLines {
			p.said = p.said[1:]
		}
		p.mu.Unlock()
		if !told && strings.Contains(lines.Text(), saidReady) {
			told = true
			close(p.ready)
		}
	}
	_, _ = io.Copy(log, stderr) // a line too long for the scanner must not block the process
	p.err = p.cmd.Wait()
}

// await waits until the process is ready and returns how long that took.
func (p *process) await(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, readyIn, fmt.Errorf("not ready within %s", readyIn))
	defer cancel()
	select {
	case <-p.ready:
		return time.Since(p.started), nil
	case <-p.ended:
		return 0, fmt.Errorf("%s ended by itself (%v); it said:\n%s", p.role, p.err, p.output())
	case <-ctx.Done():
		return 0, fmt.Errorf("%s: %w; it said:\n%s", p.role, context.Cause(ctx), p.output())
	}
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.said, "\n")
}

// kill is kill -9; it returns when the process is gone.
func (p *process) kill() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s had ended before it was killed (%v); it said:\n%s", p.role, p.err, p.output())
	default:
	}
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	<-p.ended
	return nil
}

// stop asks the process to end and returns how that went.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopIn):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("%s did not end within %s of SIGTERM; it said:\n%s", p.role, stopIn, p.output())
	}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		return fmt.Errorf("%s ended with %v; it said:\n%s", p.role, p.err, p.output())
	}
	return p.err
}

// clear ends the process whatever it does; for defer.
func (p *process) clear() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}
