package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"betimes/internal/sagemaker"
	"betimes/internal/steer/rollout/quality"
)

// judge is the name of model, config and endpoint that answer for the rows held
// out, until they are all asked.
func (r *recipe) judge() string { return r.base + "-judge" }

// evaluation is what is kept of a judgement, beside the artefact.
type evaluation struct {
	Quality quality.Figures `json:"quality"`
	HeldOut string          `json:"held_out"` // digest of the rows
}

func (l *lesson) evaluationKey(r *run) string { return r.key(l.recipe) + "/evaluation.json" }

// judged measures a model by the rows held out, or finds that it was.
func (r *run) judged(ctx context.Context, l *lesson, artefact string) (quality.Figures, error) {
	if was, err := r.evaluation(ctx, l.evaluationKey(r)); err == nil {
		return was.Quality, nil
	}
	scores, err := r.examine(ctx, l, artefact)
	if err != nil {
		return quality.Figures{}, err
	}
	labels, _ := l.heldOut.values()
	figures, err := quality.Measure(labels, scores, r.plan.Train.Threshold)
	if err != nil {
		return figures, r.refused("train", err)
	}
	return figures, r.keep(ctx, l, figures)
}

// keep writes what is kept of a judgement: the picture first, because the figures
// say that all of it is there.
func (r *run) keep(ctx context.Context, l *lesson, figures quality.Figures) error {
	body, err := json.MarshalIndent(evaluation{figures, digest(string(l.heldOut.csv))}, "", "  ")
	if err != nil {
		return err
	}
	if picture := figures.SVG(r.plan.Model + ", " + r.job); picture != "" {
		if err := r.overwrite(ctx, r.key(l.recipe)+"/evaluation.svg", []byte(picture)); err != nil {
			return err
		}
	}
	return r.overwrite(ctx, l.evaluationKey(r), body)
}

func (r *run) evaluation(ctx context.Context, key string) (*evaluation, error) {
	body, err := r.Objects.Get(ctx, r.Bucket, key)
	if err != nil {
		return nil, err
	}
	was := &evaluation{}
	if err := json.Unmarshal(body, was); err != nil {
		return nil, err
	}
	if was.Quality.Binary == nil && was.Quality.Number == nil {
		return nil, fmt.Errorf("%s holds no figures", key)
	}
	return was, nil
}

// dismissal is how long it may take until the endpoint that judged can be asked
// to go: one that is being made cannot, and on AWS that takes minutes.
const dismissal = 12 * time.Minute

// examine asks a model about the rows held out, on an endpoint of its own that
// is gone afterwards, whatever happens.
func (r *run) examine(ctx context.Context, l *lesson, artefact string) (scores []float64, err error) {
	judge := l.judge()
	r.report(StepJudge, judge)
	defer func() {
		if ctx.Err() != nil {
			r.report(StepJudge, "removing "+judge+"; interrupt again to leave it to the next run")
		}
		again, cancel := context.WithTimeout(context.WithoutCancel(ctx), dismissal)
		defer cancel()
		if gone := r.dismiss(again, judge); gone != nil {
			err = errors.Join(err, gone)
		}
	}()
	m := sagemaker.Model{Name: judge, Image: l.image, Data: artefact, Role: r.Role}
	if err := r.create(ctx, func() error { return r.Control.CreateModel(ctx, m) }); err != nil {
		return nil, err
	}
	c := sagemaker.EndpointConfig{Name: judge, Model: judge, InstanceType: r.plan.Endpoint.InstanceType, Instances: 1}
	if err := r.create(ctx, func() error { return r.Control.CreateEndpointConfig(ctx, c) }); err != nil {
		return nil, err
	}
	if err := r.create(ctx, func() error { return r.Control.CreateEndpoint(ctx, judge, judge) }); err != nil {
		return nil, err
	}
	state, err := r.settledAt(ctx, judge, StepJudge)
	if err != nil {
		return nil, err
	}
	if state.Status != "InService" {
		return nil, r.wrong("train", "the model does not start: endpoint %s is %s: %s", judge, state.Status, firstOf(state.Failure, "no reason was given"))
	}
	return r.ask(ctx, judge, l.heldOut)
}

// dismiss removes an endpoint with its config and model; what is gone already
// is right.
func (r *run) dismiss(ctx context.Context, judge string) error {
	if state, err := r.settledAt(ctx, judge, StepJudge); err != nil {
		return r.remains(judge, err)
	} else if state.Status != missing {
		if err := r.removal(ctx, func() error { return r.Control.DeleteEndpoint(ctx, judge) }); err != nil {
			return r.remains(judge, err)
		}
	}
	err := r.removal(ctx, func() error { return r.Control.DeleteEndpointConfig(ctx, judge) })
	if err = errors.Join(err, r.removal(ctx, func() error { return r.Control.DeleteModel(ctx, judge) })); err != nil {
		r.Log.Warn("what judged is not removed; it costs nothing", slog.String("name", judge), slog.Any("error", err))
	}
	return nil
}

func (r *run) removal(ctx context.Context, call func() error) error {
	if err := r.patiently(ctx, call); err != nil && !sagemaker.IsMissing(err) {
		return err
	}
	return nil
}

func (r *run) remains(judge string, err error) error {
	return r.wrong("train", "endpoint %s that judged the model remains and costs; run train again, or delete it: %w", judge, err)
}
