package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"
)

// together has workers drain one queue: each takes what waits the moment it is
// free, and never waits for more.
func (p *pump) together(ctx context.Context, workers int) func(context.Context, []*kgo.Record) {
	line := make(chan *kgo.Record, mostBacklog)
	for range workers {
		go func() {
			for first := range line {
				p.askTogether(ctx, drained(first, line))
			}
		}()
	}
	return func(_ context.Context, records []*kgo.Record) {
		for _, r := range records {
			line <- r
		}
	}
}

// drained is what waits, first before it.
func drained(first *kgo.Record, line <-chan *kgo.Record) []*kgo.Record {
	all := []*kgo.Record{first}
	for len(all) < mostTogether {
		select {
		case r := <-line:
			all = append(all, r)
		default:
			return all
		}
	}
	return all
}

// askTogether makes one call about all records and produces an outcome for each.
func (p *pump) askTogether(ctx context.Context, all []*kgo.Record) {
	body := []byte(`{"instances":[`)
	for i, r := range all {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, r.Value...)
	}
	answer, err := p.ask(append(body, "]}"...))
	if err != nil {
		fmt.Fprintln(os.Stderr, "floor: ask:", err)
		return
	}
	var parts struct{ Predictions []json.RawMessage }
	if err := json.NewDecoder(bytes.NewReader(answer)).Decode(&parts); err != nil || len(parts.Predictions) != len(all) {
		fmt.Fprintln(os.Stderr, "floor: answer:", len(parts.Predictions), err)
		return
	}
	for i, r := range all {
		p.produce(ctx, r, parts.Predictions[i])
	}
}
