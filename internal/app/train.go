package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"betimes/internal/config"
	"betimes/internal/event"
	"betimes/internal/flow/feature"
	"betimes/internal/kafka"
	"betimes/internal/model"
	"betimes/internal/steer/rollout"
)

// Workshop is where a model is trained and its versions are kept.
type Workshop struct {
	Deps rollout.Deps
	Plan rollout.Plan
}

// Trained is the model of a file that name means; empty: the only one that is trained.
func Trained(c config.Config, name string) (string, error) {
	var all []string
	for _, n := range slices.Sorted(maps.Keys(c.Models)) {
		if m := c.Models[n]; m.Train != nil && m.SageMaker != nil {
			all = append(all, n)
		}
	}
	switch {
	case name != "" && slices.Contains(all, name):
		return name, nil
	case name != "" && len(all) > 0:
		return "", fmt.Errorf("--model: %q is not trained by this file; those that are: %s", name, strings.Join(all, ", "))
	case len(all) == 1:
		return all[0], nil
	case len(all) > 1:
		return "", fmt.Errorf("the file trains %s; say which with --model NAME", strings.Join(all, ", "))
	}
	return "", fmt.Errorf("the file trains no model; write for example models: {fraud: {sagemaker: {endpoint: fraud}, train: {algorithm: xgboost, data: FILE, label: COLUMN}}}")
}

// Workshop opens the workshop of a model for do. A model that is served inside
// a process is made in that of a running up; without one the emulator of this
// process has the folder of up, so that up finds what was made.
func (a *App) Workshop(ctx context.Context, name string, topics func() (*kafka.Cluster, error), do func(context.Context, Workshop) error) error {
	defer a.closeAll()
	own := a.config.Models[name].Embedded() && a.options.Emulator == ""
	if !own {
		a.options.Temporary = true // nothing is kept here
	}
	a.options.Role = "up"
	if err := a.open(); err != nil {
		return err
	}
	if own {
		c := *a.config.Lab.Emulator
		c.Listen = "127.0.0.1:0"
		a.config.Lab.Emulator = &c
	}
	if err := a.buildEmulator(ctx); err != nil {
		return err
	}
	w, done, err := a.workshop(ctx, name, topics)
	if err != nil {
		return err
	}
	defer done()
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var failed error
	err = a.group.Run(running, func() {
		defer stop() // the emulator stops last: what was begun is to be ended
		failed = do(ctx, w)
	})
	if failed != nil {
		return failed
	}
	return ended(err)
}

func (a *App) workshop(ctx context.Context, name string, topics func() (*kafka.Cluster, error)) (Workshop, func(), error) {
	d, p, done, err := a.rollout(ctx, name)
	if err != nil {
		return Workshop{}, nil, err
	}
	d.Ask = func(endpoint string) (model.Invoker, func(), error) { return a.askable(ctx, name, endpoint) }
	d.Topics = &trainingTopics{open: topics}
	if d.Row, err = a.trainingRow(name); err != nil {
		done()
		return Workshop{}, nil, err
	}
	return Workshop{d, p}, done, nil
}

// askable opens the way to an endpoint beside the model's own.
func (a *App) askable(ctx context.Context, name, endpoint string) (model.Invoker, func(), error) {
	account, err := a.openAccount(ctx)
	if err != nil {
		return nil, nil, err
	}
	c := *a.config.Models[name].SageMaker
	if c.Endpoint != endpoint {
		c.Variant = ""
	}
	c.Endpoint = endpoint
	e, err := account.Endpoint(c)
	if err != nil {
		return nil, nil, err
	}
	return e, e.Close, nil
}

// trainingRow maps a record as it is for a prediction and asks for its label;
// nil when nothing is read from topics.
func (a *App) trainingRow(name string) (func(*event.Event) (string, string, error), error) {
	label := a.config.Models[name].Train.Label
	if !strings.HasPrefix(a.config.Models[name].Train.Data, "topic:") {
		return nil, nil
	}
	format, err := a.format()
	if err != nil {
		return nil, err
	}
	codec, err := model.CodecFor("text/csv")
	if err != nil {
		return nil, err
	}
	mapper, err := feature.New(a.config.Flow.Feature, format, codec)
	if err != nil {
		return nil, err
	}
	asked, err := feature.Compile(label, feature.Text)
	if err != nil {
		return nil, fmt.Errorf("models.%s.train.label: %w", name, err)
	}
	return func(e *event.Event) (string, string, error) {
		in := mapper.Open(e, time.Now())
		defer in.Close()
		row, err := mapper.Append(in, nil)
		if err != nil {
			return "", "", err
		}
		text, err := asked.String(in)
		if err != nil {
			return "", "", fmt.Errorf("its label: %w", err)
		}
		return string(row), text, nil
	}, nil
}

// trainingTopics reads topics of brokers that are opened when one is asked for.
type trainingTopics struct {
	open    func() (*kafka.Cluster, error)
	cluster *kafka.Cluster
}

func (t *trainingTopics) brokers() (*kafka.Cluster, error) {
	if t.cluster != nil {
		return t.cluster, nil
	}
	cluster, err := t.open()
	t.cluster = cluster
	return cluster, err
}

// Offsets gives the first and the next offset of each partition.
func (t *trainingTopics) Offsets(ctx context.Context, topic string) (start, end map[int32]int64, err error) {
	cluster, err := t.brokers()
	if err != nil {
		return nil, nil, err
	}
	return cluster.Offsets(ctx, topic)
}

// Read gives the records of the ranges to each.
func (t *trainingTopics) Read(ctx context.Context, topic string, ranges rollout.Ranges, each func(*event.Event) error) error {
	cluster, err := t.brokers()
	if err != nil {
		return err
	}
	from, numbers := map[kafka.Partition]int64{}, []int32{}
	for _, p := range slices.Sorted(maps.Keys(ranges)) {
		if r := ranges[p]; r.From < r.To {
			from[kafka.Partition{Topic: topic, Number: p}] = r.From
			numbers = append(numbers, p)
		}
	}
	if len(numbers) == 0 {
		return nil
	}
	tail, err := cluster.NewTail(ctx, kafka.TailConfig{Topics: []string{topic}, Partitions: numbers, From: kafka.TailOffsets(from), Whole: true})
	if err != nil {
		return err
	}
	defer tail.Close()
	for !passed(tail.Position(), ranges) {
		events, err := pollPatiently(ctx, tail)
		if err != nil {
			return fmt.Errorf("read topic %s: %w", topic, err)
		}
		for _, e := range events {
			if e.Source.Offset < ranges[e.Source.Partition].To {
				if err := each(e); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// stall is how long nothing may come of records that the brokers have.
const stall = time.Minute

func pollPatiently(ctx context.Context, tail *kafka.Tail) ([]*event.Event, error) {
	limited, cancel := context.WithTimeout(ctx, stall)
	defer cancel()
	events, err := tail.Poll(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("nothing came for %s, the next offsets are %v; look for brokers that are away, or for a transaction that is open", stall, tail.Position())
	}
	return events, err
}

// passed says whether everything of the ranges was read.
func passed(next map[kafka.Partition]int64, ranges rollout.Ranges) bool {
	for p, offset := range next {
		if offset < ranges[p.Number].To {
			return false
		}
	}
	return true
}
