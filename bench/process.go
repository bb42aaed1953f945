package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// process is a system under test on core 1, with all it starts.
type process struct {
	cmd  *exec.Cmd
	out  *os.File
	done chan error
}

// start runs a program on core 1; what it says goes into a file.
func start(s system, args []string, dir, outFile string) (*process, error) {
	out, err := os.Create(outFile)
	if err != nil {
		return nil, err
	}
	line := pinned(coreOfSystem, equal, s.program, args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GOGC=") || strings.HasPrefix(v, "BETIMES_BENCH_") })
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		out.Close()
		return nil, fmt.Errorf("start %s: %w", s.program, err)
	}
	p := &process{cmd: cmd, out: out, done: make(chan error, 1)}
	go func() { p.done <- cmd.Wait() }()
	return p, nil
}

// stop ends it: with a word first, then without.
func (p *process) stop() {
	defer p.out.Close()
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(15 * time.Second):
		p.cmd.Process.Kill()
		<-p.done
	}
}
