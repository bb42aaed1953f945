//go:build interop

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"

	"betimes/internal/lab/realkafka"
)

// realBrokers is what the report says of them.
const realBrokers = "Apache Kafka " + realkafka.Version + " (1, broker and controller in one, settings of internal/lab/realkafka)"

// holdBrokers is the process that starts real Kafka, says where it listens and
// ends it when stdin ends.
func holdBrokers(ctx context.Context) error {
	h := &holder{ctx: ctx}
	ended := make(chan struct{})
	go func() { // what cannot go on ends its goroutine, as a test does
		defer close(ended)
		defer h.end()
		brokers := realkafka.Start(h, realkafka.Config{Brokers: 1})
		json.NewEncoder(os.Stdout).Encode(brokers.Addrs())
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	<-ended
	return h.err
}

// holder owns brokers as a test would; realkafka asks for one.
type holder struct {
	testing.TB // never called: realkafka uses what is below
	ctx        context.Context
	cleanups   []func()
	err        error
}

func (*holder) Helper()                    {}
func (h *holder) Context() context.Context { return h.ctx }
func (h *holder) Failed() bool             { return h.err != nil }
func (h *holder) Cleanup(f func())         { h.cleanups = append(h.cleanups, f) }
func (*holder) Logf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}

func (h *holder) Fatal(args ...any) {
	h.err = errors.New(fmt.Sprint(args...))
	runtime.Goexit()
}

func (h *holder) Fatalf(format string, args ...any) { h.Fatal(fmt.Sprintf(format, args...)) }

// end runs the cleanups, the newest first.
func (h *holder) end() {
	for i := len(h.cleanups) - 1; i >= 0; i-- {
		h.cleanups[i]()
	}
}
