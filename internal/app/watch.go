package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"betimes/internal/config"
	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/pulse"
	"betimes/internal/watch/latency"
)

// buildWatch makes what measures: the trail, the monitor and the page.
func (a *App) buildWatch(context.Context) error {
	cluster, err := a.cluster("watch")
	if err != nil {
		return err
	}
	trail, err := a.buildTrail("watch", false)
	if err != nil {
		return err
	}
	monitor, err := latency.NewMonitor(a.config.Watch.Latency, objectiveOf(a.config), a.metrics)
	if err != nil {
		return err
	}
	a.onReload(func(c config.Config) { monitor.SetObjective(objectiveOf(c)) })
	a.add("pulses", &listener{a.log, cluster, kafka.PulseTopic(a.config.Name).Name, monitor})
	a.mountDashboard(monitor, trail)
	return a.addPulse("watch", a.instance.name, cluster, func(*pulse.Pulse) {})
}

// objectiveOf is what the monitor judges by.
func objectiveOf(c config.Config) latency.Objective {
	return latency.Objective{Latency: c.Objective.Latency, Target: float64(c.Objective.Target)}
}

// listener gives the pulses of all roles to the monitor.
type listener struct {
	log     *slog.Logger
	cluster *kafka.Cluster
	topic   string
	monitor *latency.Monitor
}

// Run reads the pulses of the last hour and all that come until ctx ends.
func (l *listener) Run(ctx context.Context) error {
	follow(ctx, l.log, l.cluster, l.topic, kafka.TailAt(time.Now().Add(-latency.History)), l.take)
	return nil
}

func (l *listener) take(e *event.Event) {
	p, err := pulse.Decode(e.Value)
	if err != nil {
		l.log.Warn("a pulse cannot be read", "source", e.Source.String(), "error", errors.Unwrap(err))
		return
	}
	l.monitor.Take(p)
}
