package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// dieAt, when set, is what a program's log says when the program is to be killed.
const dieAt = "BETIMES_TEST_DIE_AT"

// mortal is main, but for a program that is to be killed. It does so itself: another
// process may be told too late on a busy machine, when all is done.
func mortal() {
	if text := os.Getenv(dieAt); text != "" {
		log, in, err := os.Pipe()
		if err != nil {
			panic(err)
		}
		out := os.Stderr
		os.Stderr = in
		go die(log, out, regexp.MustCompile(text))
	}
	main()
}

// die passes a log on until it says so.
func die(log io.Reader, out io.Writer, so *regexp.Regexp) {
	for lines := bufio.NewScanner(log); lines.Scan(); {
		fmt.Fprintln(out, lines.Text())
		if so.MatchString(lines.Text()) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // never fails
		}
	}
}

// killed runs a command that is killed as soon as its log says something; a
// command that ends before that fails.
func killed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: killed REGEXP COMMAND...")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := command(ctx, ts, args[1], args[2:])
	cmd.Env = append(cmd.Env, dieAt+"="+args[0])
	out, err := cmd.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || ctx.Err() != nil || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		ts.Fatalf("%v ended without saying %s: %v\n%s", args[1:], args[0], err, out)
	}
}
