package app

import (
	"context"
	"fmt"

	"betimes/internal/flow/feature"
	"betimes/internal/kafka"
	"betimes/internal/kafka/registry"
)

// formatOf is what the events of a topic are, and how to close what reads them.
func formatOf(t kafka.TopicConfig) (feature.Format, *registry.Decoder, error) {
	f := feature.Format{Value: t.Value, Columns: t.Columns}
	if t.Registry == nil {
		return f, nil, nil
	}
	d, err := registry.New(*t.Registry)
	if err != nil {
		return f, nil, fmt.Errorf("kafka.topics.events.registry.%w", err)
	}
	f.Decoder = d
	return f, d, nil
}

// format is what the events are; the process is ready only while their schemas
// can be had.
func (a *App) format() (feature.Format, error) {
	if a.payload != nil {
		return *a.payload, nil
	}
	f, decoder, err := formatOf(a.config.Kafka.Topics.Events)
	if err != nil {
		return f, err
	}
	if decoder != nil {
		a.close(decoder.Close)
		a.check("registry", func(context.Context) error { return decoder.Err() })
	}
	a.payload = &f
	return f, nil
}
