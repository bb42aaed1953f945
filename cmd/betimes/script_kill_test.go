package main

import (
	"bufio"
	"context"
	"io"

	"github.com/rogpeppe/go-internal/testscript"
)

// killed runs a command and kills it as soon as its log says something; a
// command that ends before that fails.
func killed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: killed REGEXP COMMAND...")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	re := pattern(ts, args[0])
	cmd := command(ctx, ts, args[1], args[2:])
	log, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	found := false
	lines := bufio.NewScanner(log)
	for !found && lines.Scan() {
		found = re.MatchString(lines.Text())
	}
	_ = cmd.Process.Kill()
	_, _ = io.Copy(io.Discard, log)
	_ = cmd.Wait() // it was killed
	if !found {
		ts.Fatalf("%v ended without saying %s", args[1:], args[0])
	}
}
