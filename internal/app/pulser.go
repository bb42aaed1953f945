package app

import (
	"context"
	"log/slog"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/pulse"
)

// pulseEvery is how often a role says how it is.
const pulseEvery = time.Second

// pulser writes one role's pulse.
type pulser struct {
	log      *slog.Logger
	producer *kafka.Producer
	topic    string
	base     pulse.Pulse
	changes  func() []pulse.Change
	fill     func(*pulse.Pulse)
}

// addPulse adds the room that writes a role's pulse, filled by fill.
func (a *App) addPulse(role, instance string, c *kafka.Cluster, fill func(*pulse.Pulse)) error {
	producer, err := c.NewProducer("pulse")
	if err != nil {
		return err
	}
	a.close(producer.Close)
	a.add(role+" pulse", &pulser{
		log: a.log, producer: producer, topic: kafka.PulseTopic(a.config.Name).Name, fill: fill, changes: a.takeChanges,
		base: pulse.Pulse{Pipeline: a.config.Name, Instance: instance, Role: role, Admin: a.addresses.Dashboard, Epoch: a.started.UnixMicro()},
	})
	return nil
}

// Run writes a pulse every second, and a last one at the end.
func (p *pulser) Run(ctx context.Context) error {
	tick := time.NewTicker(pulseEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.write(time.Now())
		case <-ctx.Done():
			p.write(time.Now())
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), pulseEvery)
			defer cancel()
			_ = p.producer.Flush(last) // a lost pulse loses nothing
			return nil
		}
	}
}

func (p *pulser) write(now time.Time) {
	one := p.base
	one.At = now
	p.fill(&one)
	one.Changes = p.changes()
	value, err := one.Encode()
	if err != nil {
		p.log.Error("pulse not written", "error", err)
		return
	}
	p.producer.Write(&kafka.Record{Topic: p.topic, Partition: 0, Key: []byte(p.base.Role + "/" + p.base.Instance), Value: value}, func(_ event.Source, err error) {
		if err != nil {
			p.log.Debug("pulse not written", "error", err)
		}
	})
}
