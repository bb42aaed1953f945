package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"betimes/internal/app"
	"betimes/internal/steer/letters"
)

func newLettersShow(s *settings) *cobra.Command {
	var f letterFlags
	var payload bool
	cmd := &cobra.Command{
		Use:   "show [FILE] ID",
		Short: "One letter: why it is one, its headers, its payload",
		Long: `Shows the newest letter of an event's id, or the one at topic:partition:offset.
Key, foreign headers and payload are shown as privacy.show allows; --payload
writes the original bytes to stdout and nothing else, whatever privacy.show says.`,
		Example: "  betimes dead-letters show pay-17\n  betimes dead-letters show pay-17 --payload > event.json",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, args := args[len(args)-1], args[:len(args)-1]
			if _, err := os.Stat(id); err == nil && len(args) == 0 {
				return fmt.Errorf("%s is the file; name the letter's id after it", id)
			}
			box, client, err := s.openBox(cmd, args, &f, false)
			if err != nil {
				return err
			}
			defer client.Close()
			return failed(f.show(cmd, box, client, id, payload))
		},
	}
	f.addTopic(cmd)
	cmd.Flags().BoolVar(&payload, "payload", false, "the original bytes alone")
	return cmd
}

func (f *letterFlags) show(cmd *cobra.Command, box *letters.Box, client *app.Client, id string, payload bool) error {
	f.ids, f.all, f.limit = []string{id}, true, 1
	found, err := box.Find(cmd.Context(), f.filter(scanProgress(cmd.ErrOrStderr())))
	if err != nil {
		return err
	}
	clearLine(cmd.ErrOrStderr())
	if len(found.Letters) == 0 {
		return fmt.Errorf("no letter %s in %s; its record is gone, or it is in another --topic", id, f.topic)
	}
	l, w := &found.Letters[0], cmd.OutOrStdout()
	e, err := box.Read(cmd.Context(), l)
	if err != nil && (payload || !errors.Is(err, letters.ErrNoBytes)) {
		return err
	}
	if payload {
		_, err := w.Write(e.Value)
		return err
	}
	view := letters.NewView(l, client.Policy())
	if err == nil {
		view = view.With(e, client.Policy())
	}
	if f.asJSON {
		return json.NewEncoder(w).Encode(view)
	}
	return view.WriteText(w, time.Now())
}
