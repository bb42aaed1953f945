package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/loadgen"
)

// sustained is one run.
type sustained struct {
	what   string
	report loadgen.Report
	models map[string]time.Duration // the stage model of each prediction
	others float64                  // cores that other processes used
	peak   int64
	memory int64 // promised
}

// drive loads the gateway or the brokers and follows every event.
func (o options) drive(ctx context.Context, g *ground, sender loadgen.Sender, through string) (*sustained, error) {
	cluster, err := g.open()
	if err != nil {
		return nil, err
	}
	defer cluster.Close()
	topics := loadgen.Topics{Predictions: topicPredictions, DeadLetters: topicDeadLetters, Quarantine: topicQuarantine, Shed: topicShed}
	tail, err := cluster.NewTail(ctx, kafka.TailConfig{Topics: topics.All(), From: kafka.TailEnd()})
	if err != nil {
		return nil, err
	}
	defer tail.Close()
	noting := &noting{tail: tail}
	c := loadgen.DefaultConfig()
	c.Rate, c.For, c.Seed, c.Warmup = or(o.rate, 500), o.length, o.seed, min(2*time.Second, o.length/2)
	rest := watchOthers()
	report, err := loadgen.Run(ctx, c, loadgen.Deps{Sender: sender, Tail: noting, Topics: topics, Through: through})
	if err != nil {
		return nil, err
	}
	cores := rest.cores()
	models, err := noting.models()
	return &sustained{report: report, models: models, others: cores}, err
}

// noting keeps the predictions that a Tail brings, to be read after the load.
type noting struct {
	tail   loadgen.Tail
	mu     sync.Mutex
	values [][]byte
}

// Poll is the Tail's.
func (n *noting) Poll(ctx context.Context) ([]*event.Event, error) {
	events, err := n.tail.Poll(ctx)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range events {
		if e.Source.Topic == topicPredictions {
			n.values = append(n.values, e.Value)
		}
	}
	return events, err
}

// models is the stage model of each prediction, by id.
func (n *noting) models() (map[string]time.Duration, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make(map[string]time.Duration, len(n.values))
	for _, value := range n.values {
		var p event.Prediction
		if err := json.Unmarshal(value, &p); err != nil {
			return nil, fmt.Errorf("a prediction is not its documented JSON: %w", err)
		}
		if us, ok := p.StagesUS[event.StageModel.String()]; ok {
			all[p.ID] = time.Duration(us) * time.Microsecond
		}
	}
	return all, nil
}
