package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"betimes/internal/app"
	"betimes/internal/config"
	"betimes/internal/lab/loadgen"
	"betimes/internal/lab/loadgen/payments"
	"betimes/internal/setting"
)

// loadFlags are the flags of load beside those of loadgen.
type loadFlags struct {
	load    loadgen.Config
	dirt    string
	through string
	report  string
	ledger  string
	write   string
	count   int
	failOn  string
	yes     bool
	asJSON  bool
}

func newLoad(s *settings) *cobra.Command {
	f := loadFlags{load: loadgen.DefaultConfig()}
	cmd := &cobra.Command{
		Use:   "load [FILE]",
		Short: "Send events at their own times and follow each to its end",
		Long: `Sends events open loop: when each is sent is fixed beforehand, and latency counts
from that moment. Every event is followed to the topic it ends in by a reader of
its own. --write FILE writes events (.ndjson) or a training file (.csv) instead.`,
		Example: "  betimes load betimes.yaml --rate 500 --for 30s",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.runLoad(cmd, args, f)
		},
	}
	f.add(cmd.Flags())
	return cmd
}

func (f *loadFlags) add(flags *pflag.FlagSet) {
	l := &f.load
	flags.StringVar(&l.Workload, "workload", l.Workload, "payments, crayfish, or input with --input")
	flags.StringVar(&l.Input, "input", "", "send the lines of this NDJSON or CSV file")
	flags.Float64Var(&l.Rate, "rate", l.Rate, "events a second; 0 with --input: by the events' own times")
	flags.StringVar(&l.Shape, "shape", l.Shape, "steady, poisson, burst, ramp or trace:FILE")
	flags.DurationVar(&l.For, "for", l.For, "how long to send; 0: until the file ends or Ctrl-C")
	flags.Uint64Var(&l.Seed, "seed", l.Seed, "same seed, same events at the same moments")
	flags.StringVar(&f.dirt, "dirt", "0%", "share of the payments made dirty, for example 5%")
	flags.StringVar(&l.Key, "key", "", "JSON pointer to the key in the lines of --input")
	flags.StringVar(&l.EventTime, "event-time", "", "JSON pointer to the time in the lines of --input, for --rate 0")
	flags.StringVar(&l.Label, "label", "", "JSON pointer to the true label in the lines of --input")
	flags.DurationVar(&l.Warmup, "warmup", l.Warmup, "beginning that is sent but not measured")
	flags.DurationVar(&l.Settle, "settle", l.Settle, "give up on missing events after so long without progress")
	flags.StringVar(&f.through, "through", "gateway", "gateway or kafka")
	flags.StringVar(&f.report, "report", "", "also write the report to FILE.json or FILE.html")
	flags.StringVar(&f.ledger, "ledger", "", "append every send, on disk before it is made, and its answer to this file, for betimes verify")
	flags.StringVar(&f.write, "write", "", "write events or a training file of payments instead of sending")
	flags.IntVar(&f.count, "count", 10000, "how many payments --write writes")
	flags.StringVar(&f.failOn, "fail-on", "", "also fail on this share of late events: late=1%")
	flags.BoolVar(&f.yes, "yes", false, "send to a pipeline that is not embedded")
	flags.BoolVar(&f.asJSON, "json", false, "the report as JSON on stdout")
}

func (s *settings) runLoad(cmd *cobra.Command, args []string, f loadFlags) error {
	if err := f.settle(cmd.Flags()); err != nil {
		return err
	}
	if f.write != "" {
		return failed(f.writeFile())
	}
	loaded, err := s.find(args)
	if err != nil {
		return err
	}
	if loaded.Config.Kafka.Embedded == nil && !f.yes {
		return fmt.Errorf("load would send %g events/s to %s, which is not embedded; add --yes to do it", f.load.Rate, loaded.Config.Name)
	}
	client := app.NewClient(loaded, s.logger(loaded.Config.Log, cmd.ErrOrStderr()))
	defer client.Close()
	report, err := client.RunLoad(cmd.Context(), f.load, f.through, f.ledger, loadProgress(cmd.ErrOrStderr()))
	if err != nil {
		return failed(err)
	}
	if err := f.show(cmd.OutOrStdout(), &report); err != nil {
		return failed(err)
	}
	return failed(f.judge(&report))
}

// settle checks the flags together and says all that is wrong.
func (f *loadFlags) settle(flags *pflag.FlagSet) error {
	var problems []error
	var dirt setting.Ratio
	if err := dirt.UnmarshalText([]byte(f.dirt)); err != nil {
		problems = append(problems, fmt.Errorf("--dirt: %w", err))
	}
	f.load.Dirt = dirt
	if f.load.Input != "" && !flags.Changed("workload") {
		f.load.Workload = loadgen.Input
	}
	if f.load.Workload == loadgen.Input && !flags.Changed("for") {
		f.load.For = 0
	}
	for _, p := range f.load.Validate() {
		problems = append(problems, fmt.Errorf("--%s: %s", strings.ReplaceAll(p.Path, "_", "-"), p.Text))
	}
	if f.through != "gateway" && f.through != "kafka" {
		problems = append(problems, fmt.Errorf("--through: %q is neither gateway nor kafka", f.through))
	}
	if _, err := f.lateLimit(); err != nil {
		problems = append(problems, err)
	}
	for _, file := range []struct{ flag, name, endings string }{{"report", f.report, ".json .html"}, {"write", f.write, ".csv .ndjson"}} {
		if file.name != "" && !slices.Contains(strings.Fields(file.endings), filepath.Ext(file.name)) {
			problems = append(problems, fmt.Errorf("--%s: %q has no known ending; use one of %s", file.flag, file.name, file.endings))
		}
		if _, err := os.Stat(filepath.Dir(file.name)); file.name != "" && err != nil {
			problems = append(problems, fmt.Errorf("--%s: %w", file.flag, err))
		}
	}
	if f.count < 1 {
		problems = append(problems, fmt.Errorf("--count: %d is less than 1", f.count))
	}
	return errors.Join(problems...)
}

// lateLimit is the share of --fail-on late=SHARE; 1 without it.
func (f *loadFlags) lateLimit() (float64, error) {
	if f.failOn == "" {
		return 1, nil
	}
	share, ok := strings.CutPrefix(f.failOn, "late=")
	var limit setting.Ratio
	if err := limit.UnmarshalText([]byte(share)); err != nil || !ok {
		return 1, fmt.Errorf("--fail-on: %q is not known; write late=1%%", f.failOn)
	}
	return float64(limit), nil
}

// writeFile writes payments: a training file for .csv, else events.
func (f *loadFlags) writeFile() (err error) {
	out, err := os.Create(f.write)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if strings.HasSuffix(f.write, ".csv") {
		return payments.WriteCSV(out, f.count, f.load.Seed)
	}
	return payments.WriteNDJSON(out, f.count, payments.Options{Seed: f.load.Seed, Dirt: float64(f.load.Dirt)})
}

// show prints the report and writes it to the file asked for.
func (f *loadFlags) show(w io.Writer, r *loadgen.Report) error {
	write := r.WriteText
	if f.asJSON {
		write = r.WriteJSON
	}
	if err := write(w); err != nil || f.report == "" {
		return err
	}
	out, err := os.Create(f.report)
	if err != nil {
		return err
	}
	write = r.WriteJSON
	if strings.HasSuffix(f.report, ".html") {
		write = r.WriteHTML
	}
	return errors.Join(write(out), out.Close())
}

// judge fails a load that lost events or was late too often, and one of which nothing
// was taken.
func (f *loadFlags) judge(r *loadgen.Report) error {
	if r.Sent > 0 && r.Accepted == 0 && r.Predicted == 0 {
		return fmt.Errorf("none of %d events was accepted", r.Sent)
	}
	if r.Lost > 0 {
		return fmt.Errorf("%d of %d accepted events were not found in any topic they may end in", r.Lost, r.Accepted)
	}
	limit, _ := f.lateLimit() // settle has checked it
	if share := float64(r.Late) / float64(max(r.Predicted, 1)); share > limit {
		return fmt.Errorf("%.2f%% of the predictions were late, more than --fail-on %s", share*100, f.failOn)
	}
	return nil
}

// loadProgress shows one line that changes on a terminal, else nothing.
func loadProgress(w io.Writer) func(loadgen.Progress) {
	if !isTerminal(w) {
		return nil
	}
	return func(p loadgen.Progress) {
		state := "sending"
		if p.Settling {
			state = "waiting for the last events"
		}
		left := ""
		if p.Left > 0 {
			left = ", " + p.Left.Round(time.Second).String() + " left"
		}
		fmt.Fprintf(w, "\r\x1b[K%s: %d sent, %d predicted, %d under way, p99 %.1f ms%s", state, p.Sent, p.Predicted, p.Outstanding, float64(p.LatencyP99US)/1000, left)
		if p.Settling && p.Outstanding == 0 {
			fmt.Fprint(w, "\r\x1b[K")
		}
	}
}

// find loads the file of an asking command: the one named, the one of this
// folder, or that of the `up` which was started in this folder.
func (s *settings) find(args []string) (*config.Loaded, error) {
	if len(args) == 0 {
		if _, err := os.Stat(config.DefaultFile); err != nil {
			if running, err := app.RunningHere(); err == nil {
				args = []string{running}
			}
			if len(args) > 0 && args[0] == demoName {
				return s.demo()
			}
		}
	}
	return s.load(args)
}
