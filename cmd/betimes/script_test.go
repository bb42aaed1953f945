package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a scenario waits for what must come.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"betimes": mortal})
}

// TestScripts runs the scenarios of testdata/script against the whole binary.
// Beside testscript's own commands they have those of commands.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", Cmds: commands, Setup: setup,
		RequireExplicitExec: true, RequireUniqueNames: true,
	})
}

// commands are what scenarios can do, beside testscript's own.
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"demo":      demo,      // demo NAME: runs the demo in the background
	"exits":     exits,     // exits CODE COMMAND...: runs it to its end
	"start":     start,     // start NAME ARGS...: runs betimes until terminate, sets $gateway, $dashboard, $aws and $kafka
	"terminate": terminate, // terminate NAME: SIGTERM, it must exit 0
	"interrupt": interrupt, // interrupt [-twice] NAME: SIGINT
	"kill9":     kill9,     // kill9 NAME
	"killed":    killed,    // killed REGEXP COMMAND...: SIGKILL as soon as its log says so
	"said":      said,      // said NAME REGEXP: waits until its log says so; with !, it has not
	"pasted":    pasted,    // pasted NAME N FILE: writes the Nth line below its "next:" to FILE
	"http":      request,   // http [-H HEADER] [-d BODY] [-f FILE] [-ca FILE] [-until REGEXP] STATUS METHOD URL
	"records":   records,   // records [-quoted] TOPIC N: waits for N records and prints key, value and headers
	"produce":   produce,   // produce [-binary N] [-ago AGE] [-escaped] [-header NAME=VALUE]... TOPIC [FILE]: one record a line, KEY<tab>VALUE or VALUE
	"stub":      stub,      // stub [-silent|-adder] NAME [HOST:PORT]: a model server, its address in $NAME
	"port":      port,      // port NAME: a free port's address in $NAME; port -taken NAME: one that is in use
	"bytes":     filler,    // bytes FILE SIZE PREFIX SUFFIX: writes a large file
	"certs":     certs,     // certs: writes ca.pem, cert.pem and key.pem for 127.0.0.1
	"unseen":    unseen,    // unseen TEXT...: no output, log, answer or page of this scenario had it
}

// free is what most scenarios extend: every listener on a port of its own.
const free = `kafka: {embedded: {brokers: 1, listen: "127.0.0.1:0"}, topics: {events: {partitions: 3, replication_factor: 1}}}
flow: {gateway: {listen: "127.0.0.1:0"}}
lab: {emulator: {listen: "127.0.0.1:0"}}
admin: {listen: "127.0.0.1:0"}
`

// scenario is what one script has started and seen.
type scenario struct {
	processes map[string]*process

	mu   sync.Mutex
	seen bytes.Buffer // everything that came out of the program
}

type scenarioKey struct{}

func of(ts *testscript.TestScript) *scenario { return ts.Value(scenarioKey{}).(*scenario) }

// saw keeps what came out, for unseen.
func (s *scenario) saw(text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.Write(text)
}

func setup(env *testscript.Env) error {
	env.Values[scenarioKey{}] = &scenario{processes: map[string]*process{}}
	real, err := filepath.Abs("../../internal/lab/learn/testdata")
	if err != nil {
		return err
	}
	env.Setenv("LEARN", real) // labelled data sets of scikit-learn
	return os.WriteFile(filepath.Join(env.WorkDir, "free.yaml"), []byte(free), 0o600)
}

// command prepares a program with the scenario's folder and environment.
func command(ctx context.Context, ts *testscript.TestScript, name string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = ts.MkAbs(".")
	for _, key := range []string{"PATH", "HOME", "TMPDIR", "BETIMES_HOST", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_EC2_METADATA_DISABLED", "NO_COLOR", "TERM", "WHAT", "kafka"} {
		if value := ts.Getenv(key); value != "" {
			cmd.Env = append(cmd.Env, key+"="+value)
		}
	}
	return cmd
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := command(ctx, ts, args[1], args[2:])
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	of(ts).saw(stdout.Bytes())
	of(ts).saw(stderr.Bytes())
	_, _ = ts.Stdout().Write(stdout.Bytes())
	_, _ = ts.Stderr().Write(stderr.Bytes())
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		ts.Fatalf("%v", err)
	} else if code := strconv.Itoa(cmd.ProcessState.ExitCode()); code != args[0] {
		ts.Fatalf("exit code %s, want %s (%v)\n%s%s", code, args[0], exit, stdout.Bytes(), stderr.Bytes())
	}
}

// until asks again and again until ok, and fails after patience.
func until(ts *testscript.TestScript, what string, ok func() (bool, string)) {
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		done, last := ok()
		if done {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s did not happen; last:\n%s", what, last)
		}
	}
}

func pattern(ts *testscript.TestScript, text string) *regexp.Regexp {
	re, err := regexp.Compile("(?m)" + text)
	ts.Check(err)
	return re
}

func unseen(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	for _, p := range s.processes {
		s.saw([]byte(p.text()))
	}
	for _, text := range args {
		if bytes.Contains(s.seen.Bytes(), []byte(text)) != neg {
			at := max(bytes.Index(s.seen.Bytes(), []byte(text)), 0)
			ts.Fatalf("%q was seen: %v; around it:\n%s", text, !neg, s.seen.Bytes()[max(0, at-400):min(s.seen.Len(), at+200)])
		}
	}
}
