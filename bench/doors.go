package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"betimes/bench/door/callers"
)

// client is one that takes its turn in asking an endpoint.
type client struct {
	name     string
	settings string // for the report
	program  string // name in the folder of programs
	args     []string
}

// Names of clients.
const (
	doorClient  = "betimes"
	bareClient  = "net/http"
	tunedClient = "SDK, tuned"
)

// sdkClient is the client of the SDK, a module of its own in bench/door/sdk.
const sdkClient = "betimes/bench/door/sdk"

// clients in the order of their turns.
func clients() []client {
	return []client{
		{bareClient, "net/http with 256 kept connections and a signature of Signature Version 4, nothing else", "door", []string{"-floor"}},
		{doorClient, "the sagemaker door, defaults (256 connections)", "door", nil},
		{"SDK", "aws-sdk-go-v2, InvokeEndpoint, all defaults", "door-sdk", nil},
		{tunedClient, "aws-sdk-go-v2, InvokeEndpoint, 256 kept connections, no retries", "door-sdk", []string{"-tuned"}},
	}
}

// asked is one way in which clients ask.
type asked struct {
	what     string
	endpoint string
	rate     float64 // 0: 64 callers
}

// askings are those of the scenario; given rates are instead, of the slow model.
func askings(rates []float64) []asked {
	all := []asked{{"64 callers, each asks again when it was answered; a model that costs nothing", echo, 0}}
	if len(rates) > 0 {
		all = nil
	} else {
		rates = []float64{3200}
	}
	for _, rate := range rates {
		what := fmt.Sprintf("%.0f in flight: %.0f calls a second (Poisson) of a model of %s", rate*slowBy.Seconds(), rate, slowBy)
		all = append(all, asked{what, slow, rate})
	}
	return all
}

// Beside the measured part of a client's run: until its connections are open, and
// starting it and the emulator.
const (
	doorWarmUp = time.Second
	doorRun    = time.Second
)

// told is what came of one client's run.
type told struct {
	callers.Outcome
	connections int64
	void        string // why it does not count; empty: it counts
}

// perCall is CPU seconds for a million calls.
func (t told) perMillion() float64 { return t.CPU.Seconds() / float64(max(t.Calls, 1)) * 1e6 }

func (t told) perThousand() float64 { return float64(t.connections) / float64(max(t.All, 1)) * 1000 }

// doors lets clients take turns in asking endpoints.
func (s suite) doors(ctx context.Context, sc scenario) error {
	for _, how := range askings(s.o.rates) {
		var turns []map[string]told
		for n := range s.o.turnsOf(sc, embedded) {
			t := map[string]told{}
			for _, c := range clients() {
				got, err := s.knock(ctx, c, how, s.o.seed+uint64(n))
				if err != nil {
					return fmt.Errorf("%s, turn %d: %w", c.name, n+1, err)
				}
				fmt.Fprintf(os.Stderr, "%s turn %d %-10s %-4s %.0f calls/s, p50 %s p99 %s, %.0f s/M, %.1f connections/1000 %s\n", time.Now().Format(time.TimeOnly), n+1, c.name, how.endpoint,
					float64(got.Calls)/got.Window.Seconds(), ms(got.P50), ms(got.P99), got.perMillion(), got.perThousand(), got.void)
				t[c.name] = got
			}
			turns = append(turns, t)
		}
		s.report.knocked(how, turns)
	}
	return nil
}

// knock runs one client on core 1, with an emulator of its own.
func (s suite) knock(ctx context.Context, c client, how asked, seed uint64) (told, error) {
	dir, err := os.MkdirTemp(s.home, c.program+"-")
	if err != nil {
		return told{}, err
	}
	defer tidy(s.o, dir)
	e, err := startEmulator(filepath.Join(dir, "emulator"))
	if err != nil {
		return told{}, err
	}
	defer e.part.stop()
	before, err := e.connections()
	if err != nil {
		return told{}, err
	}
	order := callers.Order{URL: e.URL, Endpoint: how.endpoint, AtOnce: 64, Rate: how.rate, WarmUp: doorWarmUp, Window: s.o.window, Seed: seed, BodyBytes: 200}
	got, err := s.ask(ctx, c, order)
	if err != nil {
		return told{}, err
	}
	after, err := e.connections()
	got.connections = after - before
	return got, err
}

// ask runs the client's process to its end.
func (s suite) ask(ctx context.Context, c client, o callers.Order) (got told, err error) {
	line := pinned(coreOfSystem, equal, filepath.Join(s.home, c.program), append(o.Args(), c.args...)...)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Env = append(os.Environ(), "GOGC=100", "AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench", "AWS_REGION=us-east-1", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, os.Stderr
	if err := cmd.Run(); err != nil {
		return got, fmt.Errorf("%s: %w", c.name, err)
	}
	if err := json.Unmarshal(said.Bytes(), &got.Outcome); err != nil {
		return got, fmt.Errorf("%s said %q: %w", c.name, said.Bytes(), err)
	}
	got.void = voided(got.Outcome, o)
	return got, nil
}

// voided says why a run does not count, or nothing.
func voided(out callers.Outcome, o callers.Order) string {
	switch {
	case out.Wrong > 0:
		return fmt.Sprintf("%d wrong answers", out.Wrong)
	case out.Failed > 0:
		return fmt.Sprintf("%d failed: %s", out.Failed, out.Why)
	case out.Calls < minRecords && o.Window >= leastWindow:
		return fmt.Sprintf("only %d calls in the window", out.Calls)
	case o.Rate > 0 && out.LagP99.Seconds() > lagShare*out.DueP99.Seconds():
		return fmt.Sprintf("load late: its p99 is %s ms, the client's %s ms", ms(out.LagP99), ms(out.DueP99))
	}
	return ""
}
