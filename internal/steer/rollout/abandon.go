package rollout

import (
	"context"
	"fmt"

	"betimes/internal/sagemaker"
)

// Abandon ends what an unfinished run has left: its job, the endpoint that
// judges, the note. It says what that was; empty: there was nothing.
func Abandon(ctx context.Context, d Deps, p Plan) (string, error) {
	r := newRun(d, p)
	r.hasty = true
	left, err := r.left(ctx)
	if err != nil || left == nil {
		return "", err
	}
	if err := r.abandon(ctx, left); err != nil {
		return "", err
	}
	r.finished(ctx, nil)
	return fmt.Sprintf("training of %s with %s", left.Began, left.Data), nil
}

// abandon stops the job of an unfinished run and removes its judge.
func (r *run) abandon(ctx context.Context, left *unfinished) error {
	r.report(StepLeft, "ending the unfinished training of "+left.Began)
	recipe := &recipe{base: left.Base}
	for attempt := 1; attempt <= maxAttempts; attempt++ {
		there, err := r.halt(ctx, recipe.attempt(attempt))
		if err != nil {
			return r.wrong("train", "job %s of an unfinished run cannot be stopped: %w", recipe.attempt(attempt), err)
		}
		if !there {
			break
		}
	}
	return r.dismiss(ctx, recipe.judge())
}

// halt stops a job, if there is one and it has not ended.
func (r *run) halt(ctx context.Context, job string) (there bool, err error) {
	var state sagemaker.TrainingState
	describe := func() (err error) {
		state, err = r.Control.DescribeTrainingJob(ctx, job)
		return err
	}
	err = r.patiently(ctx, describe)
	if sagemaker.IsMissing(err) {
		return false, nil
	}
	if err != nil || state.Status != "InProgress" {
		return true, err
	}
	err = r.patiently(ctx, func() error { return r.Control.StopTrainingJob(ctx, job) })
	if err != nil && r.patiently(ctx, describe) == nil && state.Status != "InProgress" {
		return true, nil // it has ended meanwhile
	}
	return true, err
}
