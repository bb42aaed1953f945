package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/loadgen"
)

// What is promised at 500 events/s with a model of 5 ms.
const (
	serviceTime   = 5 * time.Millisecond
	promisedP99   = 50 * time.Millisecond
	promisedUp    = 300 << 20 // bytes of up with V1
	promisedAlone = 60 << 20  // bytes of the role stream alone
	residualShare = 0.01      // of what is measured, or
	residualLeast = 50 * time.Microsecond
)

// sustain runs a minute of steady load thrice: up with a stub, V1 as it is, the
// role stream alone.
func sustain(ctx context.Context, o options, r *report) error {
	for _, one := range []struct {
		name string
		run  func(context.Context, options, *report) error
	}{{"rest", sustainRest}, {"memory", sustainV1}, {"stream", sustainStream}} {
		if o.only != "" && o.only != one.name {
			continue
		}
		o.progress("%s: %g events/s for %s", one.name, or(o.rate, 500), o.length)
		if err := one.run(ctx, o, r); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	return nil
}

// sustainRest is up with a model server of ours behind the rest door.
func sustainRest(ctx context.Context, o options, r *report) error {
	model, err := newStub(serviceTime)
	if err != nil {
		return err
	}
	defer model.close()
	g, err := o.ground("sustain")
	if err != nil {
		return err
	}
	g.Model = model.url
	return o.sustainUp(ctx, g, "up, rest door, stub of 5 ms", model, r)
}

// sustainV1 is up as a newcomer starts it: it trains, deploys and serves.
func sustainV1(ctx context.Context, o options, r *report) error {
	g, err := o.ground("v1")
	if err != nil {
		return err
	}
	return o.sustainUp(ctx, g, "up, V1 with its own emulator", nil, r)
}

func (o options) sustainUp(ctx context.Context, g *ground, what string, model *stub, r *report) error {
	file, err := g.write("sustain.yaml")
	if err != nil {
		return err
	}
	p, err := o.start("up", file)
	if err != nil {
		return err
	}
	defer p.clear()
	if _, err := p.await(ctx); err != nil {
		return err
	}
	sender, err := loadgen.NewGateway("http://"+g.Gateway, "")
	if err != nil {
		return err
	}
	defer sender.Close()
	s, err := o.drive(ctx, g, sender, "gateway")
	if err != nil {
		return err
	}
	s.what, s.peak, s.memory = what, p.peak(), promisedUp
	if err := s.finish(p, model, r); err != nil {
		return err
	}
	return nil
}

// sustainStream is the role stream alone; brokers, load and model are elsewhere.
func sustainStream(ctx context.Context, o options, r *report) error {
	model, err := newStub(serviceTime)
	if err != nil {
		return err
	}
	defer model.close()
	g, brokers, err := o.apart(ctx, "alone")
	if err != nil {
		return err
	}
	defer brokers.clear()
	p, err := o.attach(g, model.url)
	if err != nil {
		return err
	}
	defer p.clear()
	if err := assigned(ctx, p, g.Admin); err != nil {
		return err
	}
	cluster, err := g.open()
	if err != nil {
		return err
	}
	defer cluster.Close()
	producer, err := cluster.NewProducer("load")
	if err != nil {
		return err
	}
	defer producer.Close()
	s, err := o.drive(ctx, g, loadgen.NewBrokers(producer, topicEvents), "kafka")
	if err != nil {
		return err
	}
	s.what, s.peak, s.memory = "stream alone, rest door, stub of 5 ms", p.peak(), promisedAlone
	return s.finish(p, model, r)
}

// assigned waits until the role says that it has its partitions.
func assigned(ctx context.Context, p *process, admin string) error {
	if _, err := p.await(ctx); err != nil {
		return err
	}
	for {
		answer, err := http.Get("http://" + admin + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		if time.Since(p.started) > readyIn {
			return fmt.Errorf("%s is not ready within %s (%v)", p.role, readyIn, err)
		}
		if err := pause(ctx, lookEvery); err != nil {
			return err
		}
	}
}

// sustained is one run.
type sustained struct {
	what   string
	report loadgen.Report
	models map[string]time.Duration // the stage model of each prediction
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
	report, err := loadgen.Run(ctx, c, loadgen.Deps{Sender: sender, Tail: noting, Topics: topics, Through: through})
	if err != nil {
		return nil, err
	}
	models, err := noting.models()
	return &sustained{report: report, models: models}, err
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

// finish stops the process, adds the row and judges.
func (s *sustained) finish(p *process, model *stub, r *report) error {
	stopped := p.stop()
	r.require(stopped == nil, "%v", stopped)
	var off difference
	if model != nil {
		log, calls := model.log()
		off = compare(s.models, log)
		r.note("%s: the stub was asked %d times for %d events", s.what, calls, s.report.Events)
	}
	if s.report.Residual == nil {
		return errors.New("no prediction was measured")
	}
	r.add(s.row(model, off))
	s.judge(r, model, off)
	return nil
}

// difference is between the stage model and the stub's own log, per event.
type difference struct {
	p50, p99 time.Duration
	beyond   int // events off by more than the bound
	unknown  int // events without the one or the other
	events   int // that were compared
}

// compare compares event by event.
func compare(stages, log map[string]time.Duration) difference {
	var d difference
	var all []time.Duration
	for id, stage := range stages {
		own, ok := log[id]
		if !ok {
			d.unknown++
			continue
		}
		off := max(stage-own, own-stage)
		all = append(all, off)
		if off > max(residualLeast, time.Duration(float64(own)*residualShare)) {
			d.beyond++
		}
	}
	d.unknown += max(len(log)-len(stages), 0)
	if d.events = len(all); d.events > 0 {
		slices.Sort(all)
		d.p50, d.p99 = all[len(all)/2], all[len(all)*99/100]
	}
	return d
}

func (s *sustained) row(model *stub, off difference) row {
	c, us := &s.report, func(n int64) string { return milliseconds(time.Duration(n) * time.Microsecond) }
	own := "–"
	if model != nil {
		own = fmt.Sprintf("%d / %d µs", off.p50.Microseconds(), off.p99.Microseconds())
	}
	return row{
		{"run", s.what}, {"rate/s", c.Rate}, {"accepted", c.Accepted}, {"predicted", c.Predicted}, {"lost", c.Lost}, {"duplicated", c.Duplicated},
		{"reordered", c.Reordered}, {"late", c.Late}, {"p50", us(c.P50)}, {"p99", us(c.P99)}, {"p99.9", us(c.P999)},
		{"generator lag p99", us(c.Lag.P99)}, {"residual p50 / p99", fmt.Sprintf("%d / %d µs", c.Residual.P50, c.Residual.P99)},
		{"model less stub's log p50 / p99", own}, {"peak memory", mebibytes(s.peak)},
	}
}

func (s *sustained) judge(r *report, model *stub, off difference) {
	c := &s.report
	r.require(c.Accepted == c.Sent, "%s: %d of %d sends were not accepted", s.what, c.Sent-c.Accepted, c.Sent)
	r.require(c.Lost == 0 && c.Duplicated == 0 && c.Reordered == 0, "%s: lost %d, duplicated %d, reordered %d", s.what, c.Lost, c.Duplicated, c.Reordered)
	r.require(c.Predicted == c.Accepted, "%s: %d of %d accepted are predicted", s.what, c.Predicted, c.Accepted)
	r.require(time.Duration(c.P99)*time.Microsecond < promisedP99, "%s: p99 %d µs, promised less than %s", s.what, c.P99, promisedP99)
	r.require(c.Residual.Beyond <= 0.01, "%s: the rows of %.1f %% of the events do not add up to their latency within 1 %% or 50 µs", s.what, 100*c.Residual.Beyond)
	if model != nil {
		r.require(off.beyond*100 <= off.events, "%s: the stage model of %d of %d events is off the stub's log by more than 1 %% and 50 µs", s.what, off.beyond, off.events)
		r.require(off.unknown == 0, "%s: %d events without a stage model or not in the stub's log", s.what, off.unknown)
	}
	r.require(s.peak < s.memory, "%s: %s at the peak, promised less than %s", s.what, mebibytes(s.peak), mebibytes(s.memory))
}
