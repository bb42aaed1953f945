package rollout

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"betimes/internal/sagemaker"
)

// trained settles the recipe of a model that up trains: with all rows.
func (r *run) trained(ctx context.Context) (*recipe, error) {
	t, _, err := r.read(ctx, r.plan.Train.Data)
	if err != nil {
		return nil, err
	}
	recipe, err := r.algorithm(t.kind())
	if err != nil {
		return nil, err
	}
	recipe.train = t.csv
	return recipe.named(r.plan, append(sorted(recipe.hyper), "train", string(t.csv))...), nil
}

// algorithm settles image and hyperparameters for labels of a kind.
func (r *run) algorithm(kind string) (*recipe, error) {
	c := r.plan.Train
	image := c.Image
	if image == "" && r.emulated {
		image = "builtin:" + c.Algorithm
	}
	if image == "" {
		var known bool
		if image, known = registryImage(c.Algorithm, r.Control.Region()); !known {
			return nil, r.wrong("train.image", "it is empty, and the registry of %s in %s is not known here; name the image", c.Algorithm, r.Control.Region())
		}
	}
	return &recipe{image: image, hyper: c.settled(kind)}, nil
}

// read gives the rows, and what they were read from: of a topic the exact ranges.
func (r *run) read(ctx context.Context, data string) (*table, string, error) {
	t, exact, err := r.rows(ctx, data)
	if wrong, ok := errors.AsType[*tableError](err); ok {
		return nil, "", r.wrong("train."+wrong.key, "%s", wrong.text)
	}
	if err != nil {
		return nil, "", r.wrong("train.data", "%w", err)
	}
	if len(t.unused) > 0 {
		r.Log.Info("columns of the training data are not used", slog.String("model", r.plan.Model), slog.String("columns", strings.Join(t.unused, ",")))
	}
	r.report(StepRead, fmt.Sprintf("%d rows", t.rows))
	return t, exact, nil
}

func (r *run) rows(ctx context.Context, data string) (*table, string, error) {
	if isTopic(data) {
		name, ranges, err := r.cutTopic(ctx, data)
		if err != nil {
			return nil, "", err
		}
		t, err := r.readTopic(ctx, name, ranges)
		return t, topicScheme + name + "@" + ranges.String(), err
	}
	content, err := r.trainingData(data)
	if err != nil {
		return nil, "", err
	}
	c := r.plan.Train
	t, err := readTable(reading{name: data, label: c.Label, key: c.Key, fields: r.plan.Fields}, content)
	return t, data, err
}

func (r *run) trainingData(data string) ([]byte, error) {
	if name, ok := strings.CutPrefix(data, "builtin:"); ok {
		if r.Builtin == nil {
			return nil, fmt.Errorf("%s is not known here", data)
		}
		return r.Builtin(name)
	}
	content, err := os.ReadFile(data)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("there is no file %s here; name a CSV or NDJSON file, builtin:payments or topic:NAME: %w", data, fs.ErrNotExist)
	}
	return content, err
}

// train gets the artefact of a job that was, is or will be done.
func (r *run) train(ctx context.Context, recipe *recipe) (string, error) {
	prefix := r.key(recipe)
	job, err := r.prepare(ctx, recipe, prefix)
	if err != nil {
		return "", err
	}
	for attempt := 1; ; attempt++ {
		job.Name = recipe.attempt(attempt)
		r.report(StepTrain, job.Name)
		begun, err := r.begin(ctx, job)
		if err != nil && ctx.Err() == nil {
			r.unload(ctx)
		}
		if err != nil {
			return "", err
		}
		w := r.watch(job.Name)
		state, err := w.done(ctx, job.Name)
		switch {
		case err != nil:
			return "", err
		case state.Status == "Completed":
			r.report(StepTrain, completed(state))
			r.job = job.Name
			return state.Artifacts.URI, nil
		case begun || !r.worthAnother(state) || attempt == maxAttempts:
			return "", r.wrong("train", "training job %s is %s: %s%s", job.Name, state.Status, r.reason(state), w.ending(ctx))
		}
		r.Log.Warn("earlier training job failed, trying again", slog.String("job", job.Name), slog.String("reason", r.reason(state)))
	}
}

// reason is why a job has no model, and what helps.
func (r *run) reason(s sagemaker.TrainingState) string {
	switch {
	case s.Failure != "":
		return s.Failure
	case s.Secondary == "MaxRuntimeExceeded":
		return fmt.Sprintf("it took longer than max_runtime: %s; raise it, or train with less", r.plan.Train.MaxRuntime)
	case s.Secondary == "MaxWaitTimeExceeded":
		return fmt.Sprintf("it waited too long for spot instances; raise max_runtime: %s, or write spot: false", r.plan.Train.MaxRuntime)
	case s.Status == "Stopped":
		return "somebody has stopped it; run train again to begin another"
	}
	return "no reason was given"
}

const maxAttempts = 99

// attempt is the name of the nth job.
func (r *recipe) attempt(n int) string {
	if n == 1 {
		return r.base
	}
	return fmt.Sprintf("%s-%d", r.base, n)
}

// prepare uploads what a job reads.
func (r *run) prepare(ctx context.Context, recipe *recipe, prefix string) (sagemaker.TrainingJob, error) {
	c := r.plan.Train
	job := sagemaker.TrainingJob{
		Image: recipe.image, Role: r.Role, Hyperparameters: recipe.hyper, Data: r.uri(prefix + "/train/"), Output: r.uri(prefix + "/output"),
		InstanceType: firstOf(c.InstanceType, r.plan.Endpoint.InstanceType), MaxRuntime: c.MaxRuntime, Spot: c.Spot, Metrics: c.Metrics,
	}
	if c.Spot {
		job.Checkpoints = r.uri(prefix + "/checkpoints")
	}
	err := r.upload(ctx, prefix+"/train/data.csv", recipe.train)
	if err == nil && len(recipe.validation) > 0 {
		job.Validation = r.uri(prefix + "/validation/")
		err = r.upload(ctx, prefix+"/validation/data.csv", recipe.validation)
	}
	return job, err
}

// begin starts a job, or finds that one of its name exists.
func (r *run) begin(ctx context.Context, job sagemaker.TrainingJob) (begun bool, err error) {
	err = r.patiently(ctx, func() error { return r.Control.CreateTrainingJob(ctx, job) })
	if sagemaker.IsTaken(err) {
		return false, nil
	}
	if err != nil {
		return false, r.refused("train", err)
	}
	return true, nil
}

// worthAnother: on the emulator a new try costs nothing, and whoever asks again
// has changed what was wrong. On AWS a start of up tries only what was AWS's own
// fault again; the rest would fail and cost again.
func (r *run) worthAnother(s sagemaker.TrainingState) bool {
	if r.emulated || r.asked || s.Status == "Stopped" {
		return true
	}
	return strings.HasPrefix(s.Failure, "CapacityError") || strings.HasPrefix(s.Failure, "InternalServerError")
}

// done waits for the end of a job, and looks at its log meanwhile: the emulator
// holds its answer, and AWS is asked seldom.
func (w *watch) done(ctx context.Context, job string) (sagemaker.TrainingState, error) {
	describing, stop := context.WithCancel(ctx)
	states := w.described(describing, job)
	defer func(states <-chan description) {
		stop()
		for range states { // until nobody sends any more
		}
	}(states)
	look := time.NewTicker(w.lookEvery())
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			w.report(StepTrain, "is left to itself")
			return sagemaker.TrainingState{}, errors.Join(errStopped, ctx.Err())
		case <-look.C:
			w.look(ctx)
		case s, open := <-states:
			if !open { // ctx has ended
				states = nil
				continue
			}
			if s.err != nil {
				return s.TrainingState, w.refused("train", s.err)
			}
			if s.Status == "Completed" {
				return s.TrainingState, nil
			}
			if s.Ended() { // what it printed last says why
				w.look(ctx)
			}
			w.told(s.TrainingState)
			if s.Ended() {
				return s.TrainingState, nil
			}
		}
	}
}

type description struct {
	sagemaker.TrainingState
	err error
}

// described describes a job again and again until it has ended, cannot be
// described, or ctx ends. The last description is of one of the first two.
func (w *watch) described(ctx context.Context, job string) <-chan description {
	to := make(chan description)
	go func() {
		defer close(to)
		for {
			var d description
			d.err = w.patiently(ctx, func() (err error) {
				d.TrainingState, err = w.Control.DescribeTrainingJob(ctx, job)
				return err
			})
			select {
			case to <- d:
			case <-ctx.Done():
				return
			}
			if d.err != nil || d.Ended() || w.pause(ctx, trainingPoll) != nil {
				return
			}
		}
	}()
	return to
}

// completed says what the job measured, and what spot instances saved.
func completed(s sagemaker.TrainingState) string {
	text := s.Status
	for _, m := range s.Metrics {
		text += fmt.Sprintf(" %s=%.4g", m.Name, m.Value)
	}
	if s.BillableSeconds > 0 && s.BillableSeconds < s.TrainingSeconds {
		text += fmt.Sprintf(", %d s of %d s to be paid", s.BillableSeconds, s.TrainingSeconds)
	}
	return text
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
