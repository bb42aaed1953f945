package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"betimes/bench/floor/load"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// The parts of bench that are processes of their own; the first argument names them.
const (
	partServe   = "part-serve"   // brokers and stub of one run
	partSend    = "part-send"    // the load's sender
	partBrokers = "part-brokers" // real Kafka
	partEmulate = "part-emulate" // the emulator of one run
)

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case partServe:
			return serve(args[1:])
		case partSend:
			return load.Send(ctx, os.Stdin, os.Stdout)
		case partBrokers:
			return holdBrokers(ctx)
		case partEmulate:
			return emulate(ctx, args[1])
		}
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	home := os.Getenv(isolated)
	if home == "" {
		return isolate(ctx, o)
	}
	return runSuite(ctx, o, home)
}
