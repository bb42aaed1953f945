package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"betimes/internal/app"
	"betimes/internal/steer/letters"
)

// maxFailuresShown bounds the failures that are printed without --json.
const maxFailuresShown = 10

func newLettersReplay(s *settings) *cobra.Command {
	var f letterFlags
	var rate float64
	var patience time.Duration
	cmd := &cobra.Command{
		Use:   "replay [FILE]",
		Short: "Send letters back into the topic they came from",
		Long: `Writes each open letter that matches back into its topic and partition: original
key, value and headers, the same betimes-id, a clock that starts anew, and the
history of its attempts in the header betimes-replays. A letter counts as replayed
when every in-sync replica has its event; only then is it noted in <name>-state.
A crash in between may replay it twice, with the same betimes-id.

With --topic parked it resumes keys: their events go back in order, then those
that were parked meanwhile, until none waits and the key flows again. A key of
which an event fails again stays parked. Filters choose keys: of a key of which
one letter matches all are sent, in their order, whatever the others are like.`,
		Example: "  betimes dead-letters replay --reason model_input --rate 50\n  betimes dead-letters replay --topic parked --key card-7",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !(rate > 0) {
				return fmt.Errorf("--rate: %g events a second is not above 0", rate)
			}
			if f.all && len(f.ids) == 0 {
				return errors.New("--all replays again what was replayed or dropped; say which with --id")
			}
			return s.act(cmd, args, &f, deed{
				name: "replay", done: "replayed",
				would: func(events string) string { return fmt.Sprintf("send into topic %s at %g events/s", events, rate) },
				do: func(ctx context.Context, box *letters.Box, all []letters.Letter, progress func(letters.Progress)) (letters.Report, error) {
					order := letters.Order{Letters: all, Rate: rate, Progress: progress}
					if f.topic == topicParked {
						return box.Resume(ctx, order, patience)
					}
					return box.Replay(ctx, order)
				},
			})
		},
	}
	f.addAct(cmd, "also those that were replayed or dropped before; needs --id")
	cmd.Flags().Float64Var(&rate, "rate", 100, "events a second")
	cmd.Flags().DurationVar(&patience, "patience", 30*time.Second, "with --topic parked: how long the stream may make no progress before it is not waited for")
	return cmd
}

func newLettersDrop(s *settings) *cobra.Command {
	var f letterFlags
	cmd := &cobra.Command{
		Use:   "drop [FILE]",
		Short: "Lay letters aside: they are listed no more",
		Long: `Notes in <name>-state that nothing will be done about the open letters that match.
Nothing can be taken out of their topic: the records, payload included, stay there
until its retention removes them. list --all shows them, replay --all --id brings one back.`,
		Example: "  betimes dead-letters drop --reason undecodable",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.act(cmd, args, &f, deed{
				name: "drop", done: "dropped", sweeping: !f.narrow(),
				would: func(string) string { return "lay aside" },
				do: func(ctx context.Context, box *letters.Box, all []letters.Letter, _ func(letters.Progress)) (letters.Report, error) {
					return box.Drop(ctx, all)
				},
			})
		},
	}
	f.addAct(cmd, "")
	return cmd
}

func (f *letterFlags) addAct(cmd *cobra.Command, all string) {
	f.add(cmd, all)
	cmd.Flags().IntVar(&f.limit, "limit", 0, "most letters, the oldest first; 0: all")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do it also where the pipeline is not embedded")
}

// deed is what a command does about letters.
type deed struct {
	name, done string
	sweeping   bool // no filter: it needs --yes everywhere
	would      func(events string) string
	do         func(context.Context, *letters.Box, []letters.Letter, func(letters.Progress)) (letters.Report, error)
}

// act finds the letters and does the deed, or says what it would do.
func (s *settings) act(cmd *cobra.Command, args []string, f *letterFlags, d deed) error {
	box, client, err := s.openBox(cmd, args, f, true)
	if err != nil {
		return err
	}
	defer client.Close()
	notes := cmd.ErrOrStderr()
	filter := f.filter(scanProgress(notes))
	filter.Oldest = true
	found, err := box.Find(cmd.Context(), filter)
	if err != nil {
		return failed(err)
	}
	clearLine(notes)
	if len(found.Letters) == 0 && !f.asJSON {
		fmt.Fprintln(notes, f.nothing(&found))
		return nil
	}
	if err := d.permitted(f, client, found.Letters); err != nil {
		return err
	}
	report, err := d.do(cmd.Context(), box, found.Letters, letterProgress(notes, d.done))
	clearLine(notes)
	return d.tell(cmd, f, &report, err)
}

// permitted refuses what needs --yes, and says what it would do.
func (d deed) permitted(f *letterFlags, client *app.Client, all []letters.Letter) error {
	embedded := client.Config.Kafka.Embedded != nil
	if f.yes || len(all) == 0 || embedded && !d.sweeping {
		return nil
	}
	text := fmt.Sprintf("%s would %s %s of %s (%s)", d.name, d.would(client.Config.Kafka.Topics.Events.Name), several(len(all)), f.topic, reasons(letters.Reasons(all)))
	if !embedded {
		return fmt.Errorf("%s of %s, which is not embedded; add --yes to do it", text, client.Config.Name)
	}
	return fmt.Errorf("%s, all there are; say which with --id, --reason, --key or --since, or add --yes", text)
}

// tell reports what was done.
func (d deed) tell(cmd *cobra.Command, f *letterFlags, r *letters.Report, err error) error {
	w := cmd.OutOrStdout()
	if f.asJSON {
		if werr := json.NewEncoder(w).Encode(r); werr != nil {
			return failed(werr)
		}
	} else {
		fmt.Fprintf(w, "%s %d of %s of %s\n", d.done, r.Done, several(r.Asked), f.topic)
		for i, one := range r.Failures {
			if i == maxFailuresShown {
				fmt.Fprintf(cmd.ErrOrStderr(), "… and %d more; --json lists all\n", len(r.Failures)-i)
				break
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s (%s): %s\n", one.ID, one.At, one.Error)
		}
	}
	switch {
	case r.Unnoted > 0:
		return failed(fmt.Errorf("%s %s and not noted, so open still: doing it again repeats them, with the same betimes-id: %w", several(r.Unnoted), d.done, err))
	case errors.Is(err, context.Canceled):
		return failed(fmt.Errorf("interrupted with %s open still; run it again for the rest", several(r.Left())))
	case err != nil:
		return failed(fmt.Errorf("%s open still, run it again for the rest: %w", several(r.Left()), err))
	case r.Again > 0:
		return failed(fmt.Errorf("%s of %s again: an event of the key failed again, or was to come first; list --topic parked says which", several(r.Again), f.topic))
	case r.Unread:
		return failed(errors.New("the stream has not finished them yet: keys stay parked until nothing of them waits; run it again when it has"))
	case r.Left() > 0:
		return failed(fmt.Errorf("%s open still", several(r.Left())))
	}
	return nil
}

// letterProgress shows one line that changes on a terminal, else nothing.
func letterProgress(w io.Writer, done string) func(letters.Progress) {
	if !isTerminal(w) {
		return nil
	}
	began := time.Now()
	return func(p letters.Progress) {
		rate := float64(p.Done) / max(time.Since(began).Seconds(), 0.001)
		fmt.Fprintf(w, "\r\x1b[K%s %d of %d, %.0f/s, %s left", done, p.Done, p.Total, rate, p.Left.Round(time.Second))
	}
}

// several counts letters.
func several(n int) string {
	if n == 1 {
		return "1 letter"
	}
	return fmt.Sprintf("%d letters", n)
}
