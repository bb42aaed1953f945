package app

import (
	"context"
	"log/slog"
	"time"

	"betimes/internal/event"
	"betimes/internal/flow/admit"
	"betimes/internal/flow/gateway"
	"betimes/internal/kafka"
	"betimes/internal/pulse"
	"betimes/internal/watch/latency"
)

// refusesLate says whether the gateway refuses what would be late. With several models
// it cannot know which one an event goes to, and lets all in.
func (a *App) refusesLate() bool {
	return a.config.Flow.Admit.Late == admit.Shed && len(a.config.Flow.Route) == 0
}

// buildAdmission makes what tells the gateway which events would be late, or nil.
func (a *App) buildAdmission(cluster *kafka.Cluster) gateway.Admission {
	if !a.refusesLate() {
		return nil
	}
	partition := kafka.ByHash()
	if a.config.Flow.Stream.Protocol == kafka.ProtocolShare {
		partition = nil // any worker gets any event
	}
	f := admit.NewForecast(partition)
	a.add("forecast", &forecasting{a.log, cluster, kafka.PulseTopic(a.config.Name).Name, f})
	return f
}

// forecasting tells a forecast of the pulses of the workers.
type forecasting struct {
	log      *slog.Logger
	cluster  *kafka.Cluster
	topic    string
	forecast *admit.Forecast
}

// Run reads the pulses that come until ctx ends.
func (f *forecasting) Run(ctx context.Context) error {
	follow(ctx, f.log, f.cluster, f.topic, kafka.TailEnd(), func(e *event.Event) {
		if p, err := pulse.Decode(e.Value); err == nil { // watch says what cannot be read
			f.forecast.Take(&p, time.Now())
		}
	})
	return nil
}

// pace gives what the pulses of this process say of admission; nil: nothing.
func (a *App) pace(meter *latency.Meter) func() *pulse.Admission {
	p, f := admit.NewPace(a.live), a.newFloor()
	return func() *pulse.Admission {
		f.look()
		if !a.refusesLate() {
			return nil
		}
		n := meter.Outcomes()
		return p.Tell(n[event.Predicted.String()], n[event.Shed.String()], time.Now())
	}
}
