package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"betimes/internal/app"
	"betimes/internal/config"
	"betimes/internal/event"
	"betimes/internal/privacy"
)

// tryFlags say which events are tried.
type tryFlags struct {
	sample    string
	fromTopic int
	asJSON    bool
}

func newTry(s *settings) *cobra.Command {
	var f tryFlags
	cmd := &cobra.Command{
		Use:     "try [FILE]",
		Short:   "Send a few events through mapping and model; nothing is written or committed",
		Long:    "Shows, per event, input, request, answer and prediction. Without --sample and --from-topic one made-up event is tried.",
		Example: "  betimes try betimes.yaml --sample events.ndjson",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.runTry(cmd, args, f)
		},
	}
	cmd.Flags().StringVar(&f.sample, "sample", "", "events of this NDJSON or CSV file")
	cmd.Flags().IntVar(&f.fromTopic, "from-topic", 0, "so many of the newest records of the topic of events")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "one JSON object per event")
	cmd.MarkFlagsMutuallyExclusive("sample", "from-topic")
	return cmd
}

func (s *settings) runTry(cmd *cobra.Command, args []string, f tryFlags) error {
	loaded, err := s.find(args)
	if err != nil {
		return err
	}
	log := s.logger(loaded.Config.Log, cmd.ErrOrStderr())
	client := app.NewClient(loaded, log)
	defer client.Close()
	events, err := f.events(cmd.Context(), client)
	if err != nil {
		return failed(err)
	}
	if len(events) == 0 {
		return failed(fmt.Errorf("there is no event to try; send one, or name a file with --sample"))
	}
	a, err := app.New(loaded, app.Options{
		Role: "try", Temporary: true, Log: log, Version: version, Progress: progress(cmd.ErrOrStderr()), Emulator: client.Addresses.AWS,
	})
	if err != nil {
		return failed(err)
	}
	bad := 0
	err = a.Try(cmd.Context(), events, func(t app.Tried) {
		if t.Prediction == nil {
			bad++
		}
		f.print(cmd.OutOrStdout(), t)
	})
	if err == nil && bad > 0 {
		err = fmt.Errorf("%d of %d events got no prediction", bad, len(events))
	}
	return failed(err)
}

// events gathers what is tried.
func (f tryFlags) events(ctx context.Context, client *app.Client) ([]*event.Event, error) {
	switch {
	case f.sample != "":
		return readEvents(f.sample, client.Config)
	case f.fromTopic > 0:
		cluster, err := client.Cluster("try")
		if err != nil {
			return nil, err
		}
		events, _, err := app.Sample(ctx, cluster, client.Config.Kafka.Topics.Events.Name, f.fromTopic)
		for _, e := range events {
			e.ID = e.Source.String()
		}
		return events, err
	}
	return []*event.Event{{ID: "made-up", Value: []byte(sampleEvent(client.Config))}}, nil
}

// maxLine bounds one event of a sample file.
const maxLine = 16 << 20

// readEvents reads one event per line; a CSV file with a header becomes JSON
// unless the topic holds csv.
func readEvents(file string, c config.Config) ([]*event.Event, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(file, ".csv") && c.Kafka.Topics.Events.Value == "json" {
		return readTable(data)
	}
	var events []*event.Event
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 {
			events = append(events, &event.Event{ID: fmt.Sprintf("%s:%d", file, n), Value: bytes.Clone(line)})
		}
	}
	return events, lines.Err()
}

// readTable makes a JSON object of each row; numbers stay numbers, an empty
// cell is a missing field.
func readTable(data []byte) ([]*event.Event, error) {
	rows := csv.NewReader(bytes.NewReader(data))
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	var events []*event.Event
	for n := 2; ; n++ {
		row, err := rows.Read()
		if err == io.EOF {
			return events, nil
		}
		if err != nil {
			return nil, err
		}
		object := map[string]any{}
		for i, cell := range row {
			if _, err := strconv.ParseFloat(cell, 64); err == nil && json.Valid([]byte(cell)) { // not NaN, Inf, 0x1p4
				object[header[i]] = json.Number(cell)
			} else if cell != "" {
				object[header[i]] = cell
			}
		}
		value, err := json.Marshal(object)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", n, err)
		}
		events = append(events, &event.Event{ID: "row:" + strconv.Itoa(n), Value: value})
	}
}

// print shows one event. Payloads are what this command is for.
func (f tryFlags) print(w io.Writer, t app.Tried) {
	problem := ""
	if t.Ending.Err != nil {
		problem = t.Ending.Err.Error()
	}
	if f.asJSON {
		_ = json.NewEncoder(w).Encode(map[string]string{
			"id": t.ID, "input": string(t.Input), "model": t.Model, "request": string(t.Request), "answer": string(t.Answer),
			"prediction": string(t.Prediction), "reason": string(t.Ending.Reason), "error": problem,
		})
		return
	}
	fmt.Fprintf(w, "%s\n", t.ID)
	row := func(name string, text []byte) {
		if text != nil {
			fmt.Fprintf(w, "  %-10s %s\n", name, privacy.Lines(strings.TrimRight(string(text), "\r\n")))
		}
	}
	row("input", t.Input)
	row("request", t.Request)
	row("answer", t.Answer)
	row("prediction", t.Prediction)
	if problem != "" {
		if t.Ending.Reason != "" {
			problem = string(t.Ending.Reason) + ": " + problem
		}
		row("failed", []byte(problem))
	}
}
