// Command betimes keeps an end-to-end latency promise on a stream of events
// between Kafka and a model server.
//
// Each file of this package is one subcommand: flags in, a call of app or of a
// room, an exit code out.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker for releases.
var version = "dev"

func main() {
	os.Exit(run(os.Args[1:]))
}

// run returns the exit code: 0 done, 1 failed at run time, 2 wrong usage or configuration.
func run(args []string) int {
	ctx, stop := signalled()
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var exit *exitError
	if errors.As(err, &exit) {
		if exit.err != nil {
			fmt.Fprintln(os.Stderr, "betimes:", exit.err)
		}
		return exit.code
	}
	fmt.Fprintln(os.Stderr, "betimes:", err)
	return 2
}

// signalled is a context that ends at the first SIGINT or SIGTERM. The second
// ends the process at once: no signal between the two is lost.
func signalled() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(1)
	}()
	return ctx, cancel
}

// exitError ends the process with a code.
type exitError struct {
	code int
	err  error
}

// Error gives the cause.
func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

// failed is an error of run time: exit code 1.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{1, err}
}
