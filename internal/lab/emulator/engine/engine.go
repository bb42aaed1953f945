package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// patience is how long the engine may take to say something or to remove containers.
const patience = 20 * time.Second

// errNone is what those are told who have no engine.
var errNone = errors.New("there is no container engine in this emulator")

// Engine is a container engine. The zero Engine has none.
type Engine struct {
	Program string // of its command line: docker, podman or a path; empty: none
	Dir     string // of the emulator's state, absolute: its containers are told by it

	mu      sync.Mutex
	noted   bool
	running int           // containers of this run that are not removed yet
	idle    chan struct{} // who waits for their end; nil: nobody
}

// path is where its command line is, absolute: programs begin in folders of their own.
func (e *Engine) path() (string, error) {
	if e == nil || e.Program == "" {
		return "", errNone
	}
	path, err := exec.LookPath(e.Program)
	if err != nil {
		return "", fmt.Errorf("%w (%s is not installed)", errNone, e.Program)
	}
	return filepath.Abs(path)
}

// Here says why there is no engine; nil: there is one.
func (e *Engine) Here() error {
	_, err := e.path()
	return err
}

// Find says what keeps an image from being run; nil: the engine has it.
func (e *Engine) Find(ctx context.Context, image string) error {
	if err := e.Here(); err != nil {
		return err
	}
	if _, err := e.ask(ctx, "image", "inspect", "--format", "{{.Id}}", "--", image); err != nil {
		return fmt.Errorf("%s, which has to have it before, says %w", e.Program, err)
	}
	return nil
}

// ask runs a command and gives what it prints. The error is the last line of what it complains of.
func (e *Engine) ask(ctx context.Context, arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("nothing within %s", patience))
	defer cancel()
	command := exec.CommandContext(ctx, e.Program, arguments...)
	command.WaitDelay = time.Second
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	switch {
	case err == nil:
		return string(out), nil
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	}
	lines := strings.Split(strings.TrimSpace(said.String()), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return "", fmt.Errorf("%q", last)
	}
	return "", err
}

// noteFile says in Dir that there may be containers.
const noteFile = "containers"

// begin notes, before the first container starts, that there may be some.
func (e *Engine) begin() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.noted {
		if err := os.WriteFile(filepath.Join(e.Dir, noteFile), nil, 0o600); err != nil {
			return fmt.Errorf("engine: %w", err)
		}
		e.noted = true
	}
	e.running++
	return nil
}

// end removes a container, which is gone already unless its command line was killed.
func (e *Engine) end(name string) {
	_ = e.remove(name)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running--
	if e.running == 0 && e.idle != nil {
		close(e.idle)
		e.idle = nil
	}
}

// Close removes the containers of this run, whose programs have ended.
func (e *Engine) Close() error {
	idle := make(chan struct{})
	e.mu.Lock()
	if e.running > 0 {
		e.idle = idle
	} else {
		close(idle)
	}
	e.mu.Unlock()
	select {
	case <-idle:
	case <-time.After(patience):
	}
	return e.Sweep()
}

// Sweep removes the containers of this emulator, also of an earlier run of it.
func (e *Engine) Sweep() error {
	note := filepath.Join(e.Dir, noteFile)
	if _, err := os.Stat(note); e.Program == "" || err != nil {
		return nil
	}
	ids, err := e.ask(context.Background(), "ps", "--all", "--quiet", "--filter", "label="+label+"="+e.Dir)
	if err == nil {
		err = e.remove(strings.Fields(ids)...)
	}
	if err != nil {
		return fmt.Errorf("engine: containers of an earlier run may be left: %s says %w", e.Program, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.noted = false
	return os.Remove(note)
}

// remove ends containers and removes them.
func (e *Engine) remove(names ...string) error {
	if len(names) == 0 {
		return nil
	}
	_, err := e.ask(context.Background(), append([]string{"rm", "--force", "--volumes"}, names...)...)
	return err
}
