package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"betimes/internal/app"
	"betimes/internal/event"
	"betimes/internal/steer/letters"
)

func newDeadLetters(s *settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dead-letters",
		Short: "What could not be processed: list it, show it, replay it, drop it",
		Long: `Looks after the topic dead-letters, and with --topic after quarantine, shed and parked.
What was replayed or dropped is noted in the topic <name>-state and listed no
more; the records themselves stay until the topic's retention removes them.`,
		Example: "  betimes dead-letters list --reason model_input\n  betimes dead-letters replay --since 1h --rate 50",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("betimes dead-letters has no %q; `betimes dead-letters --help` lists what it has", args[0])
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(newLettersList(s), newLettersShow(s), newLettersReplay(s), newLettersDrop(s))
	return cmd
}

// topicParked is what --topic calls the topic of events that wait.
const topicParked = "parked"

// letterFlags say which letters.
type letterFlags struct {
	topic, reason, key string
	ids                []string
	since              time.Duration
	limit              int
	all, asJSON, yes   bool
}

func (f *letterFlags) add(cmd *cobra.Command, all string) {
	f.addTopic(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&f.ids, "id", nil, "only this event's id, or topic:partition:offset of a letter; may be repeated")
	flags.StringVar(&f.reason, "reason", "", "only this reason")
	flags.StringVar(&f.key, "key", "", "only this key")
	flags.DurationVar(&f.since, "since", 0, "only letters of so long ago or newer")
	if all != "" {
		flags.BoolVar(&f.all, "all", false, all)
	}
}

func (f *letterFlags) addTopic(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.topic, "topic", "dead-letters", "dead-letters, quarantine, shed or parked")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "as JSON")
}

// check says what is wrong with the flags.
func (f *letterFlags) check() error {
	switch {
	case f.since < 0:
		return fmt.Errorf("--since: %s is negative; write for example 1h", f.since)
	case f.limit < 0:
		return fmt.Errorf("--limit: %d is negative; 0 is no limit", f.limit)
	}
	return nil
}

func (f *letterFlags) narrow() bool {
	return len(f.ids) > 0 || f.reason != "" || f.key != "" || f.since > 0
}

func (f *letterFlags) filter(progress func(int64)) letters.Filter {
	filter := letters.Filter{IDs: f.ids, Reason: event.Reason(f.reason), All: f.all, Limit: f.limit, Progress: progress}
	if f.key != "" {
		filter.Key = []byte(f.key)
	}
	if f.since > 0 {
		filter.Since = time.Now().Add(-f.since)
	}
	return filter
}

// openBox opens the topic that the flags name.
func (s *settings) openBox(cmd *cobra.Command, args []string, f *letterFlags, write bool) (*letters.Box, *app.Client, error) {
	if err := f.check(); err != nil {
		return nil, nil, err
	}
	client, err := s.client(cmd, args)
	if err != nil {
		return nil, nil, err
	}
	topic, ok := client.LetterTopics()[f.topic]
	if !ok {
		client.Close()
		return nil, nil, fmt.Errorf("--topic: %q holds no letters; use dead-letters, quarantine, shed or parked", f.topic)
	}
	box, err := client.Letters(topic, write)
	if err != nil {
		client.Close()
		return nil, nil, failed(err)
	}
	return box, client, nil
}

func newLettersList(s *settings) *cobra.Command {
	var f letterFlags
	cmd := &cobra.Command{
		Use:     "list [FILE]",
		Short:   "The open letters, newest first",
		Example: "  betimes dead-letters list --reason model_input --since 24h",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			box, client, err := s.openBox(cmd, args, &f, false)
			if err != nil {
				return err
			}
			defer client.Close()
			found, err := box.Find(cmd.Context(), f.filter(scanProgress(cmd.ErrOrStderr())))
			if err != nil {
				return failed(err)
			}
			return failed(f.list(cmd.OutOrStdout(), cmd.ErrOrStderr(), &found, client))
		},
	}
	f.add(cmd, "also those that were replayed or dropped")
	cmd.Flags().IntVar(&f.limit, "limit", 50, "most letters; 0: all")
	return cmd
}

func (f *letterFlags) list(w, notes io.Writer, found *letters.Found, client *app.Client) error {
	clearLine(notes)
	views := make([]letters.View, len(found.Letters))
	for i := range found.Letters {
		views[i] = letters.NewView(&found.Letters[i], client.Policy())
	}
	if f.asJSON {
		return writeLines(w, views)
	}
	if len(views) == 0 {
		fmt.Fprintln(notes, f.nothing(found))
		return nil
	}
	if err := letters.WriteTable(w, views, time.Now()); err != nil {
		return err
	}
	if len(views) < found.Matched {
		fmt.Fprintf(notes, "the newest %d of %d; --limit shows more\n", len(views), found.Matched)
	}
	return nil
}

// nothing says that no letter matches, and which ones there are.
func (f *letterFlags) nothing(found *letters.Found) string {
	text := "no open letter in " + f.topic
	if found.Open > 0 {
		text = fmt.Sprintf("no letter in %s matches; open ones: %s", f.topic, reasons(found.Reasons))
	}
	if found.Handled > 0 && !f.all {
		text += fmt.Sprintf("; %d replayed or dropped (list --all)", found.Handled)
	}
	return text
}

// reasons gives "model_input 35, feature 2", the most frequent first.
func reasons(count map[event.Reason]int) string {
	names := slices.Sorted(maps.Keys(count))
	slices.SortStableFunc(names, func(a, b event.Reason) int { return count[b] - count[a] })
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = fmt.Sprintf("%s %d", cmp.Or(name, "no reason"), count[name])
	}
	return strings.Join(texts, ", ")
}

func writeLines(w io.Writer, views []letters.View) error {
	encoder := json.NewEncoder(w)
	for i := range views {
		if err := encoder.Encode(views[i]); err != nil {
			return err
		}
	}
	return nil
}

// clearLine takes a progress line away.
func clearLine(w io.Writer) {
	if isTerminal(w) {
		fmt.Fprint(w, "\r\x1b[K")
	}
}
