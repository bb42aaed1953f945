package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"betimes/internal/app"
	"betimes/internal/dashboard"
	"betimes/internal/watch/latency"
	"betimes/internal/watch/trail"
)

// askFlags are those of every command that asks a running process.
type askFlags struct {
	at     string
	asJSON bool
}

func (f *askFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.at, "at", "", "ask the process at this URL or HOST:PORT of an admin listener")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "as JSON")
}

// client opens the way to the pipeline of an asking command.
func (s *settings) client(cmd *cobra.Command, args []string) (*app.Client, error) {
	loaded, err := s.find(args)
	if err != nil {
		return nil, err
	}
	return app.NewClient(loaded, s.logger(loaded.Config.Log, cmd.ErrOrStderr())), nil
}

// explainFlags say which events.
type explainFlags struct {
	askFlags
	key, where string
	slowest    int
	since      time.Duration
}

func newExplain(s *settings) *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain [FILE] [ID]",
		Short: "One event: every stage and decision, as a waterfall",
		Long: `Shows where an event is or how it ended, and where its time went. A running up or
watch is asked; without one the topics are read. Instead of an id: --key, --where or --slowest.`,
		Example: "  betimes explain betimes.yaml pay-17\n  betimes explain --slowest 10 --since 1h",
		Args:    cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.runExplain(cmd, args, f)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.key, "key", "", "the newest events of this key")
	cmd.Flags().StringVar(&f.where, "where", "", "the newest events for which this expression is true")
	cmd.Flags().IntVar(&f.slowest, "slowest", 0, "so many of the slowest predictions")
	cmd.Flags().DurationVar(&f.since, "since", time.Hour, "how far back --key, --where and --slowest look")
	cmd.MarkFlagsMutuallyExclusive("key", "where", "slowest")
	return cmd
}

func (s *settings) runExplain(cmd *cobra.Command, args []string, f explainFlags) error {
	search := f.key != "" || f.where != "" || f.slowest > 0
	id := ""
	if !search {
		if len(args) == 0 {
			return errors.New("name the event's id, or use --key, --where or --slowest")
		}
		id, args = args[len(args)-1], args[:len(args)-1]
		if _, err := os.Stat(id); err == nil && len(args) == 0 {
			return fmt.Errorf("%s is the file; name the event's id after it, or use --key, --where or --slowest", id)
		}
	} else if len(args) > 0 {
		if _, err := os.Stat(args[len(args)-1]); err != nil {
			return fmt.Errorf("%s is no file; an id stands alone, without --key, --where and --slowest", args[len(args)-1])
		}
	}
	client, err := s.client(cmd, args)
	if err != nil {
		return err
	}
	defer client.Close()
	found, err := f.look(cmd, client, id)
	if err != nil {
		return err
	}
	return failed(f.print(cmd.OutOrStdout(), found))
}

// look finds the events that the flags name.
func (f explainFlags) look(cmd *cobra.Command, client *app.Client, id string) ([]dashboard.Explanation, error) {
	progress := scanProgress(cmd.ErrOrStderr())
	if id != "" {
		x, err := client.Explain(cmd.Context(), f.at, id, progress)
		return []dashboard.Explanation{x}, failed(err)
	}
	filter := trail.Filter{Since: time.Now().Add(-f.since), Slowest: f.slowest > 0, Limit: f.slowest, Progress: progress}
	if f.key != "" {
		filter.Key = []byte(f.key)
	}
	if f.where != "" {
		where, err := client.Where(f.where)
		if err != nil {
			return nil, fmt.Errorf("--where: %w", err)
		}
		filter.Where = where
	}
	found, err := client.Search(cmd.Context(), filter)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("no such event in the last %s; look further back with --since", f.since)
	}
	return found, failed(err)
}

func (f explainFlags) print(w io.Writer, found []dashboard.Explanation) error {
	if f.asJSON {
		encoder := json.NewEncoder(w)
		for _, x := range found {
			if err := encoder.Encode(x); err != nil {
				return err
			}
		}
		return nil
	}
	t := terminal(w)
	for i, x := range found {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if _, err := io.WriteString(w, x.Text(t)); err != nil {
			return err
		}
	}
	return nil
}

// scanProgress shows how much was read, on a terminal.
func scanProgress(w io.Writer) func(int64) {
	if !isTerminal(w) {
		return nil
	}
	return func(records int64) { fmt.Fprintf(w, "\r\x1b[Kreading the topics: %d records", records) }
}

// terminal describes where a text goes.
func terminal(w io.Writer) dashboard.Terminal {
	t := dashboard.Terminal{Width: 100, Colour: colour(w)}
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			t.Width = width
		}
	}
	return t
}

func newWhy(s *settings) *cobra.Command {
	var f askFlags
	var since time.Duration
	cmd := &cobra.Command{
		Use:     "why [FILE]",
		Short:   "The culprit: which stage to blame, and what to do",
		Example: "  betimes why --since 10m",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := s.client(cmd, args)
			if err != nil {
				return err
			}
			defer client.Close()
			var why latency.Why
			if err := client.Ask(cmd.Context(), f.at, "why?since="+since.String(), &why); err != nil {
				return failed(err)
			}
			if f.asJSON {
				return failed(json.NewEncoder(cmd.OutOrStdout()).Encode(why))
			}
			_, err = io.WriteString(cmd.OutOrStdout(), dashboard.WhyText(why, terminal(cmd.OutOrStdout())))
			return failed(err)
		},
	}
	f.add(cmd)
	cmd.Flags().DurationVar(&since, "since", 10*time.Minute, "span to look at")
	return cmd
}

func newTop(s *settings) *cobra.Command {
	var f askFlags
	cmd := &cobra.Command{
		Use:     "top [FILE]",
		Short:   "The live picture in a terminal",
		Example: "  betimes top",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := s.client(cmd, args)
			if err != nil {
				return err
			}
			defer client.Close()
			return failed(runTop(cmd.Context(), cmd.OutOrStdout(), client, f))
		},
	}
	f.add(cmd)
	return cmd
}

// runTop shows the summary again every second on a terminal, once elsewhere. On
// a terminal it waits for a process that restarts.
func runTop(ctx context.Context, w io.Writer, client *app.Client, f askFlags) error {
	shown := false
	for {
		var summary dashboard.Summary
		err := client.Ask(ctx, f.at, "summary", &summary)
		switch {
		case err != nil && shown && errors.Is(err, app.ErrNotRunning):
			fmt.Fprint(w, "\x1b[H\x1b[2Jwaiting for the process to come back; Ctrl-C ends\n")
			wait(ctx, time.Second)
			if ctx.Err() != nil {
				return nil
			}
			continue
		case err != nil:
			return err
		}
		if f.asJSON {
			return json.NewEncoder(w).Encode(summary)
		}
		text := summary.Text(terminal(w))
		if !isTerminal(w) {
			_, err := io.WriteString(w, text)
			return err
		}
		fmt.Fprint(w, "\x1b[H\x1b[2J", text)
		shown = true
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}
