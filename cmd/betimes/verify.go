package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"betimes/internal/app"
	"betimes/internal/lab/verify"
)

// verifyFlags are the flags of verify.
type verifyFlags struct {
	reading verify.ReaderConfig
	follow  bool
	length  time.Duration
	asJSON  bool
	against string
	calls   string

	exact      bool
	faults     []string
	inFlight   time.Duration
	progress   []string
	maxLag     time.Duration
	maxCalls   int
	onlyLedger bool
}

func newVerify(s *settings) *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Read every topic and say of each event whether what was promised is so",
		Long: `Reads the topic of events and all topics in which events end, from their
beginnings, and looks after every rule by name: lost, repeated, reordered, aborted,
changed, in two places. With the ledger of betimes load it also knows what was sent.
It waits for events that are under way; --follow reads along with a pipeline at work.
It names places (topic:partition:offset), never keys or payloads. Exit code 1: a
rule is broken.`,
		Example: "  betimes load --rate 500 --for 30s --ledger sends.ledger\n  betimes verify --ledger sends.ledger",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.runVerify(cmd, args, &f)
		},
	}
	f.add(cmd.Flags())
	return cmd
}

func (f *verifyFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.reading.Ledger, "ledger", "", "what load --ledger wrote: ok must be there, failed must not, unknown may")
	flags.BoolVar(&f.follow, "follow", false, "read along until Ctrl-C or --for, then judge")
	flags.DurationVar(&f.length, "for", 0, "how long --follow reads along")
	flags.DurationVar(&f.reading.Settle, "settle", 10*time.Second, "give up on events that have not ended after so long without progress")
	flags.BoolVar(&f.asJSON, "json", false, "as JSON")
	flags.StringVar(&f.against, "against", "", "the --json of an earlier run, for example before a restart: the records must be the same")
	flags.BoolVar(&f.exact, "exactly-once", false, "no event may end twice; default: as flow.stream.guarantee says")
	flags.StringArrayVar(&f.faults, "fault", nil, "START/DURATION of something done to the pipeline, such as 2026-01-31T12:00:00Z/5s: only what was in flight at one may end again; may be repeated")
	flags.DurationVar(&f.inFlight, "in-flight", time.Second, "how long before a fault an event may have ended that ends again after it")
	flags.StringArrayVar(&f.progress, "progress", nil, "START/DURATION=N: at least so many events must have ended in that time; may be repeated")
	flags.DurationVar(&f.maxLag, "max-lag", 0, "longest time from a send's answer to the event's end; 0: any")
	flags.StringVar(&f.calls, "calls", "", "journal of a model server: a line for each call, an id or a JSON object with id")
	flags.IntVar(&f.maxCalls, "max-calls", 0, "most calls for one event, with --calls; 0: any")
	flags.BoolVar(&f.onlyLedger, "only-ledger", false, "events that the ledger does not name need not have ended")
}

// verifyGC is how much garbage may come to what is kept, in percent: most of a
// verifier's memory is kept to its end, so that the usual 100 would double it.
const verifyGC = 25

func (s *settings) runVerify(cmd *cobra.Command, args []string, f *verifyFlags) error {
	if err := f.check(cmd.Flags()); err != nil {
		return err
	}
	loaded, err := s.find(args)
	if err != nil {
		return err
	}
	cfg := app.VerifyConfig(loaded.Config)
	if err := f.promise(cmd.Flags(), &cfg); err != nil {
		return err
	}
	debug.SetGCPercent(verifyGC)
	checker := verify.New(cfg)
	if err := f.prepare(checker); err != nil {
		return failed(err)
	}
	client := app.NewClient(loaded, s.logger(loaded.Config.Log, cmd.ErrOrStderr()))
	defer client.Close()
	f.reading.Tell = verifyProgress(cmd.ErrOrStderr())
	ctx, over, stop := f.span(cmd.Context())
	defer stop()
	verdict, err := client.Verify(ctx, over, checker, f.reading)
	clearLine(cmd.ErrOrStderr())
	if err != nil {
		return failed(err)
	}
	write := verdict.WriteText
	if f.asJSON {
		write = verdict.WriteJSON
	}
	if err := write(cmd.OutOrStdout()); err != nil {
		return failed(err)
	}
	if n := verdict.Total(); n > 0 {
		return failed(fmt.Errorf("%d times a rule is broken", n))
	}
	return nil
}

// check says what is wrong with the flags together.
func (f *verifyFlags) check(flags *pflag.FlagSet) error {
	var problems []error
	if f.length < 0 || f.length > 0 && !f.follow {
		problems = append(problems, fmt.Errorf("--for: %s has no effect without --follow, and is not below 0", f.length))
	}
	for name, d := range map[string]time.Duration{"settle": f.reading.Settle, "in-flight": f.inFlight, "max-lag": f.maxLag} {
		if d < 0 {
			problems = append(problems, fmt.Errorf("--%s: %s is negative; write for example 10s", name, d))
		}
	}
	if f.maxCalls < 0 || flags.Changed("max-calls") && f.calls == "" {
		problems = append(problems, fmt.Errorf("--max-calls: %d needs --calls FILE, and is not below 0", f.maxCalls))
	}
	if f.onlyLedger && f.reading.Ledger == "" {
		problems = append(problems, errors.New("--only-ledger: needs --ledger FILE"))
	}
	return errors.Join(problems...)
}

// promise adds what the flags promise to what the file does.
func (f *verifyFlags) promise(flags *pflag.FlagSet, cfg *verify.Config) error {
	if flags.Changed("exactly-once") {
		cfg.ExactlyOnce = f.exact
	}
	cfg.InFlight, cfg.MaxLag, cfg.MaxCalls, cfg.OnlyLedger = f.inFlight, f.maxLag, f.maxCalls, f.onlyLedger
	var problems []error
	for _, text := range f.faults {
		w, err := window(text)
		problems = append(problems, noted("--fault", text, err))
		cfg.Faults = append(cfg.Faults, w)
	}
	for _, text := range f.progress {
		span, count, _ := strings.Cut(text, "=")
		w, err := window(span)
		n, nerr := strconv.Atoi(count)
		problems = append(problems, noted("--progress", text, errors.Join(err, nerr)))
		cfg.Progress = append(cfg.Progress, verify.Progress{Window: w, Least: n})
	}
	return errors.Join(problems...)
}

func noted(flag, text string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %q: %w", flag, text, err)
}

// window reads START/DURATION.
func window(text string) (verify.Window, error) {
	from, length, _ := strings.Cut(text, "/")
	start, err := time.Parse(time.RFC3339Nano, from)
	d, derr := time.ParseDuration(length)
	if err != nil || derr != nil || d < 0 {
		return verify.Window{}, errors.New("write a time and a length, for example 2026-01-31T12:00:00Z/5s")
	}
	return verify.Window{From: start, To: start.Add(d)}, nil
}

// prepare reads the files beside the ledger.
func (f *verifyFlags) prepare(checker *verify.Checker) error {
	if f.reading.Ledger != "" {
		if _, err := os.Stat(f.reading.Ledger); err != nil && !f.follow {
			return fmt.Errorf("--ledger: %w; `betimes load --ledger FILE` writes one", err)
		}
	}
	if f.against != "" {
		text, err := os.ReadFile(f.against)
		if err != nil {
			return fmt.Errorf("--against: %w", err)
		}
		var before verify.Verdict
		if err := json.Unmarshal(text, &before); err != nil || len(before.Partitions) == 0 {
			return fmt.Errorf("--against: %s is not what verify --json writes (%v)", f.against, err)
		}
		checker.Against(&before)
	}
	if f.calls == "" {
		return nil
	}
	journal, err := os.Open(f.calls)
	if err != nil {
		return fmt.Errorf("--calls: %w", err)
	}
	defer journal.Close()
	return checker.TakeCalls(journal)
}

// span gives the context of the reading and the one that ends its reading along:
// the first Ctrl-C ends only that.
func (f *verifyFlags) span(ctx context.Context) (reading, over context.Context, stop context.CancelFunc) {
	if !f.follow {
		done, cancel := context.WithCancel(ctx)
		cancel()
		return ctx, done, cancel
	}
	if f.length == 0 {
		return context.WithoutCancel(ctx), ctx, func() {}
	}
	over, stop = context.WithTimeout(ctx, f.length)
	return context.WithoutCancel(ctx), over, stop
}

// verifyProgress shows how far the reading is, on a terminal.
func verifyProgress(w io.Writer) func(verify.Progressed) {
	if !isTerminal(w) {
		return nil
	}
	return func(p verify.Progressed) {
		fmt.Fprintf(w, "\r\x1b[Kreading: %d records, %d events, %d ended, %d not yet, broken %d", p.Records, p.Events, p.Ended, p.Waiting, p.Broken)
	}
}
