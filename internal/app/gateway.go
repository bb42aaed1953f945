package app

import (
	"context"
	"time"

	"betimes/internal/config"
	"betimes/internal/event"
	"betimes/internal/flow/gateway"
	"betimes/internal/kafka"
	"betimes/internal/listen"
	"betimes/internal/pulse"
	"betimes/internal/watch/latency"
)

// openGateway takes the gateway's address, before the drawing is made that shows it.
func (a *App) openGateway(context.Context) error {
	listener, err := listen.Open(a.config.Flow.Gateway.Listen, "flow.gateway.listen")
	if err != nil {
		return err
	}
	a.close(func() { listener.Close() })
	a.intake, a.addresses.Gateway = listener, listener.Addr().String()
	return nil
}

// buildGateway makes the door for events over HTTP.
func (a *App) buildGateway(context.Context) error {
	cluster, err := a.cluster("gateway")
	if err != nil {
		return err
	}
	producer, err := cluster.NewProducer("events")
	if err != nil {
		return err
	}
	a.close(producer.Close)
	finder, err := a.buildTrail("gateway", true)
	if err != nil {
		return err
	}
	topic := a.config.Kafka.Topics.Events.Name
	server, err := gateway.New(a.config.Flow.Gateway, gateway.Deps{
		Log: a.log, Registerer: a.metrics, Gatherer: a.registry, Scrape: a.config.Admin.MetricsToken, Budget: a.budget, Privacy: a.privacy,
		Next: producer.Events(topic), Admission: a.buildAdmission(cluster), Finder: finder, Recent: recent(cluster, topic), Listener: a.intake,
		Value: a.config.Kafka.Topics.Events.Value,
		Ready: func() error {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			return cluster.Ping(ctx)
		},
	})
	if err != nil {
		return err
	}
	a.onReload(func(c config.Config) { server.Reload(c.Flow.Gateway, budgetOf(c), policy(c)) })
	a.drains = append(a.drains, server.Drain)
	a.add("gateway", server)
	if a.options.Role == "gateway" { // other gateways may accept the same id; up has only one
		a.add("ids", &remembering{a.started.Add(-clockMargin), a.log, cluster, topic, server})
	}
	return a.addPulse("gateway", a.instance.name, cluster, func(p *pulse.Pulse) {
		counts := server.Snapshot()
		p.InFlight = int(counts.InFlight)
		p.Outcomes = map[string]int64{"accepted": counts.Accepted, "repeated": counts.Duplicate, "failed": counts.Failed, latency.TurnedAway: counts.Late}
	})
}

// clockMargin is how far clocks of brokers may be behind ours.
const clockMargin = 5 * time.Second

// recent reads the events of the last window, so that a gateway knows again
// which ids it has answered.
func recent(cluster *kafka.Cluster, topic string) gateway.Recent {
	return func(ctx context.Context, since time.Time, each func(string, []byte, event.Source)) error {
		tail, err := cluster.NewTail(ctx, kafka.TailConfig{Topics: []string{topic}, From: kafka.TailAt(since)})
		if err != nil {
			return err
		}
		defer tail.Close()
		for !tail.CaughtUp() {
			events, err := tail.Poll(ctx)
			if err != nil {
				return err
			}
			for _, e := range events {
				if id := e.OwnID(); id != "" {
					each(id, e.Value, e.Source)
				}
			}
		}
		return nil
	}
}
