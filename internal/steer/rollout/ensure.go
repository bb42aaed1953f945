package rollout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"betimes/internal/sagemaker"
)

// Ensure returns when the plan's endpoint is in service, or says what keeps it
// from being. What exists already is used; doing it again changes nothing.
func Ensure(ctx context.Context, d Deps, p Plan) error {
	r := newRun(d, p)
	if err := r.ensure(ctx); err != nil {
		return err
	}
	r.report(StepReady, p.Endpoint.Endpoint)
	return nil
}

// run is one Ensure.
type run struct {
	Deps
	plan     Plan
	start    time.Time
	emulated bool             // waiting is short, trying again is free, images are built in
	job      string           // that made the model
	uploaded []string         // keys of objects
	repeated int              // records that had the id of an earlier one
	absent   int              // offsets without a record
	asked    bool             // by a person, not by a start
	hasty    bool             // no call has been answered yet, and somebody waits
	took     map[Step]float64 // seconds by step, may be nil
	step     Step
	began    time.Time // of step
}

// newRun makes the run of one call.
func newRun(d Deps, p Plan) *run {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &run{Deps: d, plan: p, start: time.Now(), emulated: d.Control.Emulated()}
}

func (r *run) ensure(ctx context.Context) error {
	state, err := r.describe(ctx)
	if err == nil && state.Serving() && !r.emulated {
		return nil // also while somebody changes it
	}
	if err == nil && state.Changing() {
		state, err = r.settled(ctx)
	}
	if err != nil {
		return err
	}
	switch {
	case state.Serving():
		return r.refresh(ctx, state)
	case state.Status == "Failed" && r.emulated:
		r.Log.Warn("endpoint failed, making it again", slog.String("endpoint", r.endpoint()), slog.String("reason", state.Failure))
		if err := r.remove(ctx); err != nil {
			return err
		}
	case state.Status != missing:
		return r.wrong("sagemaker", "endpoint %s is %s: %s; delete it, or name another", r.endpoint(), state.Status, firstOf(state.Failure, "no reason was given"))
	}
	recipe, err := r.recipe(ctx)
	if err != nil {
		return err
	}
	if err := r.allowed(); err != nil {
		return err
	}
	return r.build(ctx, recipe, false)
}

// allowed asks before anything is made that costs money.
func (r *run) allowed() error {
	if r.Allow == nil || r.Control.Emulated() {
		return nil
	}
	e := r.plan.Endpoint
	made := fmt.Sprintf("endpoint %s on %d %s in %s", r.endpoint(), e.Instances, e.InstanceType, r.Control.Region())
	if r.plan.Train != nil {
		made = "train " + r.plan.Model + " and make " + made
	}
	return r.Allow(made)
}

// recipe settles what the model is made of.
func (r *run) recipe(ctx context.Context) (*recipe, error) {
	switch {
	case r.plan.Train != nil:
		return r.trained(ctx)
	case r.plan.Serve != nil:
		return r.own()
	}
	return nil, r.wrong("sagemaker", "there is no endpoint %s in %s; create it, or add train or serve so that betimes does", r.endpoint(), r.Control.Region())
}

// refresh makes an emulated endpoint follow its configuration. One that
// somebody else made, or whose data is gone, is left as it is.
func (r *run) refresh(ctx context.Context, state sagemaker.EndpointState) error {
	if !ours(state.Config, r.plan) || r.plan.Train == nil && r.plan.Serve == nil {
		return nil
	}
	recipe, err := r.recipe(ctx)
	if err != nil {
		r.Log.Warn("endpoint kept, its model cannot be made again", slog.String("endpoint", r.endpoint()), slog.Any("error", err))
		return nil
	}
	if recipe.config == state.Config {
		return nil
	}
	return r.build(ctx, recipe, true)
}

// build goes from the recipe to an endpoint in service.
func (r *run) build(ctx context.Context, recipe *recipe, exists bool) error {
	artefact, err := r.artefact(ctx, recipe)
	if err != nil {
		return err
	}
	return r.deploy(ctx, recipe, artefact, exists)
}

// artefact gives the model's URI; empty for an image that needs none.
func (r *run) artefact(ctx context.Context, recipe *recipe) (string, error) {
	switch {
	case recipe.train != nil:
		return r.train(ctx, recipe)
	case recipe.model != nil:
		key := r.key(recipe) + "/model.tar.gz"
		return r.uri(key), r.upload(ctx, key, recipe.model)
	}
	return "", nil
}

func (r *run) upload(ctx context.Context, key string, body []byte) error {
	var there bool
	err := r.patiently(ctx, func() (err error) {
		if err = r.Objects.EnsureBucket(ctx, r.Bucket); err == nil {
			there, err = r.Objects.Exists(ctx, r.Bucket, key)
		}
		return err
	})
	if err == nil && !there {
		r.report(StepUpload, r.uri(key))
		r.uploaded = append(r.uploaded, key)
		err = r.patiently(ctx, func() error { return r.Objects.Put(ctx, r.Bucket, key, body) })
	}
	if err != nil {
		return r.wrongBucket(err)
	}
	return nil
}

// unload takes back what this run has uploaded for something that was refused.
func (r *run) unload(ctx context.Context) {
	for _, key := range r.uploaded {
		if err := r.Objects.Delete(ctx, r.Bucket, key); err != nil {
			r.Log.Warn("upload not taken back", slog.String("object", r.uri(key)), slog.Any("error", err))
		}
	}
	r.uploaded = nil
}

// wrongBucket names the key behind a refusal of S3, and the remedy.
func (r *run) wrongBucket(err error) error {
	switch {
	case sagemaker.IsElsewhere(err):
		return fmt.Errorf("aws.bucket: %s is in another region than %s; name one of this region, or set aws.region: %w", r.Bucket, r.Control.Region(), err)
	case sagemaker.IsStranger(err), sagemaker.IsUnreached(err):
		return r.refused("", err)
	case sagemaker.IsDenied(err):
		return fmt.Errorf("aws.bucket: %s may not be used, or is somebody else's; name a bucket of yours, or allow s3:ListBucket, GetObject, PutObject and DeleteObject on it: %w", r.Bucket, err)
	}
	return fmt.Errorf("aws.bucket: %w", err)
}

// refused names the key behind a refusal: what every call needs, else the given
// one of the model.
func (r *run) refused(key string, err error) error {
	switch {
	case sagemaker.IsStranger(err):
		return fmt.Errorf("aws: %w", err)
	case sagemaker.IsUnreached(err) && r.emulated:
		return fmt.Errorf("aws.endpoint_url: nothing answers; start what is there (betimes emulate), or correct the URL: %w", err)
	case sagemaker.IsUnreached(err):
		return fmt.Errorf("aws.region: AWS is not reached in %s; check the region and the network: %w", r.Control.Region(), err)
	case sagemaker.IsOfRole(err):
		return fmt.Errorf("aws.role: %s cannot be used; name a role of this account that sagemaker.amazonaws.com may assume and that you may pass: %w", r.Role, err)
	}
	return r.wrong(key, "%w", err)
}

// overwrite writes an object that may be there.
func (r *run) overwrite(ctx context.Context, key string, body []byte) error {
	err := r.patiently(ctx, func() error {
		if err := r.Objects.EnsureBucket(ctx, r.Bucket); err != nil {
			return err
		}
		return r.Objects.Put(ctx, r.Bucket, key, body)
	})
	if err != nil {
		return r.wrongBucket(err)
	}
	return nil
}

func (r *run) endpoint() string          { return r.plan.Endpoint.Endpoint }
func (r *run) uri(key string) string     { return "s3://" + r.Bucket + "/" + key }
func (r *run) key(recipe *recipe) string { return stem(r.plan) + "/" + recipe.base }

func (r *run) report(step Step, detail string) {
	r.clock(step)
	if r.Progress != nil {
		r.Progress(Progress{Model: r.plan.Model, Step: step, Detail: detail, Since: time.Since(r.start)})
	}
}

// pass reports a figure of the moment.
func (r *run) pass(step Step, detail string) {
	if r.Progress != nil {
		r.Progress(Progress{Model: r.plan.Model, Step: step, Detail: detail, Since: time.Since(r.start), Passes: true})
	}
}

// clock notes how long the step before took.
func (r *run) clock(step Step) {
	if r.took == nil {
		return
	}
	now := time.Now()
	if r.step == "" {
		r.took[step] += now.Sub(r.start).Seconds() // reading is reported at its end
	} else {
		r.took[r.step] += now.Sub(r.began).Seconds()
	}
	r.step, r.began = step, now
}

// wrong names the key of the model that has to change.
func (r *run) wrong(key, format string, args ...any) error {
	return fmt.Errorf("models.%s.%s: %w", r.plan.Model, key, fmt.Errorf(format, args...))
}

var errStopped = errors.New("stopped while waiting")
