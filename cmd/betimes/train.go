package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"betimes/internal/app"
	"betimes/internal/kafka"
	"betimes/internal/sagemaker"
	"betimes/internal/steer/rollout"
)

// trainFlags say what is done with a new version.
type trainFlags struct {
	model, deploy, plot string
	fresh, abandon      bool
	asJSON              bool
}

// The values of --deploy.
const (
	deployAuto = "auto"
	deployNo   = "no"
	deployAsk  = "ask"
	deployYes  = "yes"
)

func newTrain(s *settings) *cobra.Command {
	var f trainFlags
	cmd := &cobra.Command{
		Use:   "train [FILE]",
		Short: "Train a new version of a model, judge it, register it and, if it may, deploy it",
		Long: `Trains as models.NAME.train says: reads files or exact ranges of a topic, keeps a
share of the rows back, runs a training job, judges the model by the rows kept
back, registers the version with where it came from, has it approved by the rule
of the file or by hand, and deploys it. The same on AWS and on the emulator; a model
served inside a process is made in that of a running up, else where up finds it.

A run that was stopped is taken up by the next one; --fresh begins anew and
--abandon only ends what was left.`,
		Example: "  betimes train betimes.yaml --deploy=ask\n  betimes train --set models.fraud.train.data=topic:labelled@0:0-1200,1:0-1180",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.runTrain(cmd, args, f)
		},
	}
	cmd.Flags().StringVar(&f.model, "model", "", "which model, where the file trains several")
	cmd.Flags().StringVar(&f.deploy, "deploy", deployAuto, "no, ask or yes; auto: yes on the emulator, ask on AWS")
	cmd.Flags().StringVar(&f.plot, "plot", "", "write the curves to this file, as SVG")
	cmd.Flags().BoolVar(&f.fresh, "fresh", false, "end an unfinished run instead of taking it up")
	cmd.Flags().BoolVar(&f.abandon, "abandon", false, "end an unfinished run and do nothing else")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "report as JSON")
	cmd.MarkFlagsMutuallyExclusive("fresh", "abandon")
	return cmd
}

func (s *settings) runTrain(cmd *cobra.Command, args []string, f trainFlags) error {
	switch f.deploy {
	case deployAuto, deployNo, deployAsk, deployYes:
	default:
		return fmt.Errorf("--deploy: %q is not known; use no, ask, yes or auto", f.deploy)
	}
	return s.inWorkshop(cmd, args, f.model, true, func(ctx context.Context, w app.Workshop) error {
		if f.abandon {
			return f.end(ctx, cmd, w)
		}
		order := rollout.Order{Fresh: f.fresh, By: "betimes " + version, Deploy: f.asker(cmd, w)}
		report, err := rollout.Train(ctx, w.Deps, w.Plan, order)
		if err != nil {
			return f.unfinished(ctx, report, err)
		}
		return f.tell(cmd, report)
	})
}

// inWorkshop opens what a model is trained with.
func (s *settings) inWorkshop(cmd *cobra.Command, args []string, name string, yes bool, do func(context.Context, app.Workshop) error) error {
	loaded, err := s.find(args)
	if err != nil {
		return err
	}
	if name, err = app.Trained(loaded.Config, name); err != nil {
		return err
	}
	log := s.logger(loaded.Config.Log, cmd.ErrOrStderr())
	client := app.NewClient(loaded, log)
	defer client.Close()
	a, err := app.New(loaded, app.Options{Yes: yes, Log: log, Version: version, Progress: progress(cmd.ErrOrStderr()), Emulator: client.Addresses.AWS})
	if err != nil {
		return failed(err)
	}
	err = a.Workshop(cmd.Context(), name, func() (*kafka.Cluster, error) { return client.Cluster("train") }, do)
	if _, unapproved := errors.AsType[*rollout.NotApproved](err); unapproved || errors.Is(err, app.ErrInUse) {
		return err // a matter of usage, not of run time
	}
	if _, asks := errors.AsType[*app.NeedsYes](err); asks {
		return err
	}
	return failed(err)
}

// end ends what an unfinished run has left.
func (f trainFlags) end(ctx context.Context, cmd *cobra.Command, w app.Workshop) error {
	what, err := rollout.Abandon(ctx, w.Deps, w.Plan)
	if err != nil {
		return err
	}
	if what == "" {
		what = "nothing: no run is unfinished"
	}
	fmt.Fprintln(cmd.OutOrStdout(), "ended", what)
	return nil
}

// unfinished says what becomes of a run that was stopped.
func (f trainFlags) unfinished(ctx context.Context, r *rollout.Report, err error) error {
	switch {
	case ctx.Err() == nil:
		return err
	case r.Version > 0:
		return fmt.Errorf("stopped; version %d is registered; run the same again, or betimes rollout --to %d, to bring it into service", r.Version, r.Version)
	}
	return errors.New("stopped; a job that was begun goes on: run the same again to take it up, or end it with --abandon")
}

// asker decides about the deployment; nil: it is not asked for.
func (f trainFlags) asker(cmd *cobra.Command, w app.Workshop) func(string) (bool, error) {
	how := f.deploy
	if how == deployAuto {
		if how = deployAsk; w.Deps.Control.Emulated() {
			how = deployYes
		}
	}
	switch how {
	case deployNo:
		return nil
	case deployYes:
		return func(string) (bool, error) { return true, nil }
	}
	return func(question string) (bool, error) {
		return agreed(cmd.Context(), cmd.InOrStdin(), cmd.ErrOrStderr(), question)
	}
}

// agreed asks a person; without one the answer is no.
func agreed(ctx context.Context, in io.Reader, out io.Writer, question string) (bool, error) {
	if terminal, ok := in.(*os.File); !ok || !isTerminal(terminal) {
		fmt.Fprintf(out, "nobody to ask whether to %s: not deployed\n", question)
		return false, nil
	}
	fmt.Fprintf(out, "%s? [y/N] ", question)
	said := make(chan string, 1)
	go func() { // a read of a terminal does not end with ctx; the process ends with it soon
		line, _ := bufio.NewReader(in).ReadString('\n')
		said <- line
	}()
	select {
	case line := <-said:
		answer := strings.ToLower(strings.TrimSpace(line))
		return answer == "y" || answer == "yes", nil
	case <-ctx.Done():
		fmt.Fprintln(out)
		return false, ctx.Err()
	}
}

// tell reports what was done.
func (f trainFlags) tell(cmd *cobra.Command, r *rollout.Report) error {
	if f.plot != "" {
		picture := r.Quality.SVG(fmt.Sprintf("%s, version %d", r.Model, r.Version))
		if picture == "" {
			return fmt.Errorf("--plot: there are no curves of numbers")
		}
		if err := os.WriteFile(f.plot, []byte(picture), 0o644); err != nil {
			return err
		}
	}
	w := cmd.OutOrStdout()
	if f.asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	_, err := io.WriteString(w, trainText(r))
	return err
}

// trainText is the report for people.
func trainText(r *rollout.Report) string {
	var b strings.Builder
	approval := strings.ToLower(r.Approval)
	if r.Approval == sagemaker.PendingApproval {
		approval = "waits for approval"
	}
	fmt.Fprintf(&b, "model %s, version %d, %s: %s\n", r.Model, r.Version, approval, r.Reason)
	fmt.Fprintf(&b, "  %-14s %s, %d rows to train with", "data", r.Data, r.Rows.Train)
	if r.Rows.Validation > 0 {
		fmt.Fprintf(&b, ", %d for early stopping", r.Rows.Validation)
	}
	if r.Rows.Repeated > 0 {
		fmt.Fprintf(&b, ", %d repeated left out", r.Rows.Repeated)
	}
	if r.Rows.Absent > 0 {
		fmt.Fprintf(&b, "\n  %-14s %d offsets hold no record (compaction, or markers of transactions); a compacted topic may hold fewer next time", "", r.Rows.Absent)
	}
	fmt.Fprintf(&b, "\n  %-14s %s\n  %-14s %s\n", "job", r.Job, "artefact", r.Artefact)
	if r.Digest != "" {
		fmt.Fprintf(&b, "  %-14s %s\n", "sha256", r.Digest)
	}
	b.WriteString(r.Quality.Text())
	if c := r.Champion; c != nil {
		name, value, _ := c.Quality.Main()
		rows := "by the same rows"
		if !c.Same {
			rows = "by other rows"
		}
		fmt.Fprintf(&b, "  %-14s version %d, %s %.4f %s\n", "before", c.Version, name, value, rows)
	}
	switch {
	case r.Release != nil:
		b.WriteString(releaseText(r.Release))
	case r.Approval == sagemaker.Approved:
		fmt.Fprintf(&b, "not deployed; betimes rollout --to %d does it\n", r.Version)
	default:
		fmt.Fprintf(&b, "not deployed; betimes rollout --to %d --approve approves and deploys it\n", r.Version)
	}
	return b.String()
}

// releaseText says what serves now.
func releaseText(r *rollout.Release) string {
	verb := "in service"
	if r.Already {
		verb = "in service already"
	}
	text := fmt.Sprintf("version %d is %s: endpoint %s, config %s\n", r.Version, verb, r.Endpoint, r.Config)
	if r.Answer != nil {
		text += fmt.Sprintf("  first answer   %s after %s\n", r.Answer, (time.Duration(r.Micros) * time.Microsecond).Round(time.Microsecond))
	}
	return text
}
