package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"betimes/internal/app"
	"betimes/internal/config"
	"betimes/internal/dashboard"
	"betimes/internal/lab/loadgen"
	"betimes/internal/watch/latency"
)

// demoFile is the pipeline of the demo: V1, on free ports so that it disturbs nobody.
const demoFile = `name: demo
kafka: {embedded: {listen: "127.0.0.1:0"}}
flow: {gateway: {listen: "127.0.0.1:0"}}
lab: {emulator: {listen: "127.0.0.1:0"}}
admin: {listen: "127.0.0.1:0"}
`

// demoName is what the demo's file is called; it is on no disk.
const demoName = "demo.yaml"

// demo makes the demo's configuration, for itself and for those who ask it.
func (s *settings) demo() (*config.Loaded, error) {
	return config.Parse(demoName, []byte(demoFile), config.Options{Set: s.set})
}

// The acts of the demo.
const (
	demoRate  = 100
	demoCalm  = 20 * time.Second
	demoSlow  = 20 * time.Second
	demoAdd   = "400ms"
	demoBlame = 12 * time.Second // after the model was made slow
	demoHeal  = 60 * time.Second // longest wait to be healthy again
)

func newDemo(s *settings) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "V1 with load of its own; a stage is made slow, watch it being named",
		Long: `Runs V1 on this machine and sends it payments. After 20 s the model is made slow for
20 s; the demo says what betimes says about it.`,
		Example: "  betimes demo --temporary",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.runDemo(cmd, f)
		},
	}
	cmd.Flags().StringVar(&f.addresses, "addresses", "", "write the listen addresses to this file as JSON once ready")
	cmd.Flags().BoolVar(&f.temporary, "temporary", false, "keep everything in a folder that is removed at the end")
	return cmd
}

func (s *settings) runDemo(cmd *cobra.Command, f runFlags) error {
	loaded, err := s.demo()
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	if s.logLevel != "" {
		log = s.logger(loaded.Config.Log, cmd.ErrOrStderr())
	}
	a, err := app.New(loaded, app.Options{Role: "up", Temporary: f.temporary, Log: log, Version: version, Progress: progress(cmd.ErrOrStderr())})
	if err != nil {
		return failed(err)
	}
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	played := make(chan error, 1)
	began := time.Now()
	err = a.Run(ctx, func(at app.Addresses) {
		if err := f.announce(at); err != nil {
			fmt.Fprintln(cmd.ErrOrStderr(), "betimes:", err)
		}
		go func() {
			defer stop()
			p := &play{out: cmd.OutOrStdout(), at: at, client: &app.Client{Config: loaded.Config, Addresses: at}}
			p.say("ready after %.1f s: 3 brokers, a trained model behind an endpoint, gateway, stream and monitor", time.Since(began).Seconds())
			p.say("the page: http://%s/", at.Dashboard)
			played <- p.run(ctx)
		}()
	})
	if err != nil {
		return ranInto(err)
	}
	select {
	case err = <-played:
		return failed(err)
	default: // stopped before it was ready
		return nil
	}
}

// play is one performance.
type play struct {
	out    io.Writer
	at     app.Addresses
	client *app.Client
	run0   string
}

func (p *play) say(format string, args ...any) { fmt.Fprintf(p.out, format+"\n", args...) }

// run sends load and tells the story.
func (p *play) run(ctx context.Context) error {
	defer p.client.Close()
	load := loadgen.DefaultConfig()
	load.Rate, load.For, load.Seed = demoRate, 0, 42
	load.Run = fmt.Sprintf("demo-%d", time.Now().Unix())
	p.run0 = load.Run
	loading, stop := context.WithCancel(ctx)
	defer stop()
	type result struct {
		report loadgen.Report
		err    error
	}
	done := make(chan result, 1)
	go func() {
		report, err := p.client.RunLoad(loading, load, "gateway", "", nil)
		done <- result{report, err}
	}()
	err := p.acts(ctx)
	stop()
	r := <-done
	if err = errors.Join(err, r.err); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	p.end(&r.report)
	return nil
}

// acts is the story: calm, slow, named, healthy.
func (p *play) acts(ctx context.Context) error {
	p.say("sending %d payments a second", demoRate)
	if err := p.first(ctx); err != nil {
		return err
	}
	wait(ctx, demoCalm)
	if err := p.slow(ctx); err != nil {
		return err
	}
	p.say("now the model is made slow: +%s on every call for %s", demoAdd, demoSlow)
	wait(ctx, demoBlame)
	why, err := p.why(ctx, 10*time.Second)
	if err != nil {
		return err
	}
	p.say("betimes says: %s", why.Sentence)
	if why.Remedy != "" {
		p.say("         and: %s", why.Remedy)
	}
	wait(ctx, demoSlow-demoBlame)
	p.say("the model is quick again")
	return p.heal(ctx)
}

// first shows the first prediction as a waterfall in one line.
func (p *play) first(ctx context.Context) error {
	for range 100 {
		var x dashboard.Explanation
		if err := p.client.Ask(ctx, "", "events/"+url.PathEscape(p.run0+"-0"), &x); err == nil && x.Place == "predicted" {
			p.say("first prediction: %s", x.Line(terminal(p.out)))
			return nil
		}
		wait(ctx, 100*time.Millisecond)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.New("no prediction within 10 s")
}

// slow tells the emulator to answer late.
func (p *play) slow(ctx context.Context) error {
	body := fmt.Sprintf(`{"match":{"operation":"InvokeEndpoint"},"fault":"latency","add":%q,"for":%q}`, demoAdd, demoSlow)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.at.AWS+"/_emu/faults", bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the emulator refuses to be slow: %s", resp.Status)
	}
	return nil
}

func (p *play) why(ctx context.Context, since time.Duration) (latency.Why, error) {
	var why latency.Why
	err := p.client.Ask(ctx, "", "why?since="+since.String(), &why)
	return why, err
}

// heal waits until nobody is to blame.
func (p *play) heal(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, demoHeal)
	defer cancel()
	began := time.Now()
	for ctx.Err() == nil {
		wait(ctx, time.Second)
		why, err := p.why(ctx, 5*time.Second)
		if err != nil {
			return err
		}
		if why.Healthy {
			p.say("healthy again after %.0f s: %s", time.Since(began).Seconds(), why.Sentence)
			return nil
		}
	}
	return ctx.Err()
}

// end gives the totals and what to do next.
func (p *play) end(r *loadgen.Report) {
	p.say("in all: %d accepted, %d predicted, %d late, %d lost, %d duplicated, %d reordered; p50 %s, p99 %s",
		r.Accepted, r.Predicted, r.Late, r.Lost, r.Duplicated, r.Reordered, latency.Duration(time.Duration(r.P50)*time.Microsecond), latency.Duration(time.Duration(r.P99)*time.Microsecond))
	p.say("next:\n  %[1]s init                 # write betimes.yaml for this folder\n  %[1]s up                   # run it\n  %[1]s load --rate 500      # in another terminal", word())
}

// wait sleeps, or less long when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
