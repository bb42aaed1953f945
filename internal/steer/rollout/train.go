package rollout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

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
	return os.ReadFile(data)
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
		if err != nil {
			return "", err
		}
		state, err := r.trainingDone(ctx, job.Name)
		switch {
		case err != nil:
			return "", err
		case state.Status == "Completed":
			r.report(StepTrain, "Completed"+metricsOf(state))
			r.job = job.Name
			return state.Artifacts.URI, nil
		case begun || !r.worthAnother(state) || attempt == maxAttempts:
			return "", r.wrong("train", "training job %s is %s: %s", job.Name, state.Status, firstOf(state.Failure, "no reason was given"))
		}
		r.Log.Warn("earlier training job failed, trying again", slog.String("job", job.Name), slog.String("reason", state.Failure))
	}
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
		InstanceType: firstOf(c.InstanceType, r.plan.Endpoint.InstanceType), MaxRuntime: c.MaxRuntime, Spot: c.Spot,
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
		return false, r.wrong("train", "%w", err)
	}
	return true, nil
}

// worthAnother: on the emulator a new try costs nothing. On AWS only what was
// AWS's own fault is tried again; the rest would fail and cost again.
func (r *run) worthAnother(s sagemaker.TrainingState) bool {
	if r.emulated || s.Status == "Stopped" {
		return true
	}
	return strings.HasPrefix(s.Failure, "CapacityError") || strings.HasPrefix(s.Failure, "InternalServerError")
}

func (r *run) trainingDone(ctx context.Context, job string) (sagemaker.TrainingState, error) {
	last := ""
	for {
		var state sagemaker.TrainingState
		err := r.patiently(ctx, func() (err error) {
			state, err = r.Control.DescribeTrainingJob(ctx, job)
			return err
		})
		if err != nil {
			return state, r.wrong("train", "%w", err)
		}
		if state.Status != "InProgress" && state.Status != "Stopping" {
			return state, nil
		}
		if now := firstOf(state.Secondary, state.Status); now != last {
			last = now
			r.report(StepTrain, now)
		}
		if err := r.pause(ctx, trainingPoll); err != nil {
			return state, err
		}
	}
}

func metricsOf(s sagemaker.TrainingState) string {
	var b strings.Builder
	for _, m := range s.Metrics {
		fmt.Fprintf(&b, " %s=%.4g", m.Name, m.Value)
	}
	return b.String()
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
