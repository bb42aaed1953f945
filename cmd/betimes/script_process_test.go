package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	"betimes/internal/app"
)

// process is one betimes that runs in the background.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended; err is set then
	err  error

	mu  sync.Mutex
	log bytes.Buffer
}

// Write takes what it prints.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// launch starts betimes in the background.
func launch(ts *testscript.TestScript, name string, args []string) *process {
	p := &process{done: make(chan struct{})}
	p.cmd = command(context.Background(), ts, "betimes", args)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	ts.Check(p.cmd.Start())
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	ts.Defer(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
	})
	of(ts).processes[name] = p
	return p
}

func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME ARGS...")
	}
	name, file := args[0], ts.MkAbs(args[0]+".addresses")
	_ = os.Remove(file)
	p := launch(ts, name, append(args[1:], "--addresses", file))
	until(ts, name+" ready", func() (bool, string) {
		if p.ended() {
			ts.Fatalf("%s ended: %v\n%s", name, p.err, p.text())
		}
		_, err := os.Stat(file)
		return err == nil, p.text()
	})
	note(ts, file)
}

// note puts the addresses of a process into the environment.
func note(ts *testscript.TestScript, file string) {
	data, err := os.ReadFile(file)
	ts.Check(err)
	var at app.Addresses
	ts.Check(json.Unmarshal(data, &at))
	for name, value := range map[string]string{"gateway": at.Gateway, "dashboard": at.Dashboard, "aws": at.AWS} {
		if value != "" {
			ts.Setenv(name, value)
		}
	}
	if len(at.Kafka) > 0 {
		ts.Setenv("kafka", at.Kafka[0])
	}
}

// named is a process that start has started.
func named(ts *testscript.TestScript, args []string) *process {
	if len(args) == 0 || of(ts).processes[args[0]] == nil {
		ts.Fatalf("name a process that was started")
	}
	return of(ts).processes[args[0]]
}

func terminate(ts *testscript.TestScript, _ bool, args []string) {
	p := named(ts, args)
	ts.Check(p.cmd.Process.Signal(syscall.SIGTERM))
	until(ts, "the end of "+args[0], func() (bool, string) { return p.ended(), p.text() })
	if p.err != nil {
		ts.Fatalf("%s: %v\n%s", args[0], p.err, p.text())
	}
}

func kill9(ts *testscript.TestScript, _ bool, args []string) {
	p := named(ts, args)
	ts.Check(p.cmd.Process.Kill())
	<-p.done
}

func said(ts *testscript.TestScript, neg bool, args []string) {
	p := named(ts, args)
	if len(args) != 2 {
		ts.Fatalf("usage: said NAME REGEXP")
	}
	re := pattern(ts, args[1])
	if neg {
		if found := re.FindString(p.text()); found != "" {
			ts.Fatalf("%s said %q", args[0], found)
		}
		return
	}
	until(ts, args[0]+" saying "+args[1], func() (bool, string) { return re.MatchString(p.text()), p.text() })
}

// interrupt sends what Ctrl-C sends; with -twice the process must end at it.
func interrupt(ts *testscript.TestScript, _ bool, args []string) {
	last := len(args) > 0 && args[0] == "-twice"
	if last {
		args = args[1:]
	}
	p := named(ts, args)
	ts.Check(p.cmd.Process.Signal(os.Interrupt))
	if last {
		until(ts, "the end of "+args[0], func() (bool, string) { return p.ended(), p.text() })
	}
}

// pasted keeps one of the lines that a process printed to be pasted.
func pasted(ts *testscript.TestScript, _ bool, args []string) {
	p := named(ts, args)
	if len(args) != 3 {
		ts.Fatalf("usage: pasted NAME N FILE")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	_, below, _ := strings.Cut(p.text(), "\nnext:\n")
	lines := strings.Split(below, "\n")
	if n > len(lines) {
		ts.Fatalf("only %d lines to paste", len(lines))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(strings.TrimSpace(lines[n-1])+"\n"), 0o600))
}

// demo runs the demo until its first prediction.
func demo(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: demo NAME")
	}
	file := ts.MkAbs(args[0] + ".addresses")
	p := launch(ts, args[0], []string{"demo", "--temporary", "--addresses", file})
	until(ts, "the first prediction", func() (bool, string) {
		return strings.Contains(p.text(), "first prediction"), p.text()
	})
	note(ts, file)
}
