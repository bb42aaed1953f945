package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"betimes/internal/model"
	"betimes/internal/sagemaker"
)

// Release is a version that was brought into service.
type Release struct {
	Version  int             `json:"version"`
	Endpoint string          `json:"endpoint"`
	Config   string          `json:"config"`
	Before   int             `json:"before,omitempty"` // version that served until then
	Already  bool            `json:"already"`          // it served before
	Answer   json.RawMessage `json:"answer,omitempty"` // to the first row that was asked
	Micros   int64           `json:"answer_us,omitempty"`
}

// release brings an approved version into service and asks it once. The
// endpoint keeps its settings; only the model changes.
func (r *run) release(ctx context.Context, p sagemaker.Package) (*Release, error) {
	state, err := r.settled(ctx)
	if err != nil {
		return nil, err
	}
	out := &Release{Version: p.Version, Endpoint: r.endpoint()}
	before, _, err := r.serving(ctx)
	if err != nil {
		return nil, err
	}
	if before != nil {
		out.Before, out.Already = before.Version, before.ARN == p.ARN && before.Data == p.Data
	}
	if out.Already && state.Status == "InService" {
		out.Config = state.Config
		return out, nil
	}
	if out.Config, err = r.replace(ctx, p, state); err != nil {
		return nil, err
	}
	r.report(StepReady, r.endpoint())
	return out, nil
}

// replace makes model and config of a version and changes the endpoint to them.
func (r *run) replace(ctx context.Context, p sagemaker.Package, state sagemaker.EndpointState) (config string, err error) {
	m := r.versionName(p.Version, p.ARN, p.Data, p.Image)
	err = r.create(ctx, func() error {
		return r.Control.CreateModel(ctx, sagemaker.Model{Name: m, Package: p.ARN, Role: r.Role})
	})
	if err != nil {
		return "", err
	}
	if state.Status == "Failed" && r.emulated {
		if err := r.remove(ctx); err != nil {
			return "", err
		}
		state.Status = missing
	}
	var put func(context.Context, string, string) error
	switch {
	case state.Status == missing:
		put = r.Control.CreateEndpoint
		config, err = r.newConfig(ctx, p, m)
	case state.Serving():
		put = r.Control.ReplaceModel
		config, err = r.likeConfig(ctx, p, m, state.Config)
	default:
		err = r.wrong("sagemaker", "endpoint %s is %s: %s; delete it, or name another", r.endpoint(), state.Status, firstOf(state.Failure, "no reason was given"))
	}
	if err != nil {
		return "", err
	}
	r.report(StepDeploy, config)
	if err := r.change(ctx, func() error { return put(ctx, r.endpoint(), config) }); err != nil {
		return "", err
	}
	return config, r.inService(ctx, config)
}

// change asks for another config, again when somebody else's change came first.
func (r *run) change(ctx context.Context, put func() error) error {
	for {
		err := r.patiently(ctx, put)
		if err == nil || sagemaker.IsTaken(err) {
			return nil
		}
		state, described := r.describe(ctx)
		if described != nil || !state.Changing() {
			return r.refused("sagemaker", err)
		}
		if _, err := r.settled(ctx); err != nil {
			return err
		}
	}
}

// versionName makes names of what a version is deployed with.
func (r *run) versionName(version int, parts ...string) string {
	return name(fmt.Sprintf("%s-v%d", cutStem(stem(r.plan)), version), digest(parts...))
}

// cutStem leaves room for the version.
func cutStem(stem string) string {
	const room = maxName - 1 - digestChars - attemptRoom - len("-v99999")
	if len(stem) > room {
		stem = strings.TrimRight(stem[:room], "-")
	}
	return stem
}

func (r *run) newConfig(ctx context.Context, p sagemaker.Package, m string) (string, error) {
	e := r.plan.Endpoint
	c := sagemaker.EndpointConfig{Name: r.versionName(p.Version, m, e.InstanceType, fmt.Sprint(e.Instances)), Model: m, InstanceType: e.InstanceType, Instances: e.Instances}
	return c.Name, r.create(ctx, func() error { return r.Control.CreateEndpointConfig(ctx, c) })
}

// likeConfig copies the config in service, with another model.
func (r *run) likeConfig(ctx context.Context, p sagemaker.Package, m, live string) (string, error) {
	body, err := r.config(ctx, live)
	if err == nil {
		body, err = body.With(m)
	}
	if err != nil {
		return "", r.wrong("sagemaker", "endpoint config %s: %w", live, err)
	}
	config := r.versionName(p.Version, m, body.Text())
	return config, r.create(ctx, func() error { return r.Control.CreateEndpointConfigLike(ctx, config, body) })
}

func (r *run) config(ctx context.Context, name string) (body sagemaker.ConfigBody, err error) {
	err = r.patiently(ctx, func() (err error) {
		body, err = r.Control.DescribeEndpointConfig(ctx, name)
		return err
	})
	return body, err
}

// serving is the version in service; nil when what serves is none of ours, or
// nothing does.
func (r *run) serving(ctx context.Context) (*sagemaker.Package, sagemaker.EndpointState, error) {
	state, err := r.describe(ctx)
	if err != nil || !state.Serving() {
		return nil, state, err
	}
	arn, err := r.packageOf(ctx, state.Config)
	if err != nil || arn == "" {
		return nil, state, err
	}
	var p sagemaker.Package
	err = r.patiently(ctx, func() (err error) {
		p, err = r.Control.DescribePackage(ctx, arn)
		return err
	})
	switch {
	case sagemaker.IsMissing(err), err == nil && p.Group != r.group():
		return nil, state, nil
	case err != nil:
		return nil, state, r.refused("sagemaker", err)
	}
	return &p, state, nil
}

// packageOf is the ARN of the package that a config's model is made of, if any.
func (r *run) packageOf(ctx context.Context, config string) (string, error) {
	body, err := r.config(ctx, config)
	if err != nil {
		return "", r.refused("sagemaker", err)
	}
	m, err := body.Model()
	if err != nil {
		r.Log.Debug("the endpoint config has no single model", slog.String("config", config), slog.Any("error", err))
		return "", nil
	}
	var described sagemaker.Model
	err = r.patiently(ctx, func() (err error) {
		described, err = r.Control.DescribeModel(ctx, m)
		return err
	})
	if sagemaker.IsMissing(err) {
		return "", nil
	}
	if err != nil {
		return "", r.refused("sagemaker", err)
	}
	return described.Package, nil
}

// first asks the endpoint about one row that was held out.
func (r *run) first(ctx context.Context, rows part, out *Release) error {
	_, features := rows.values()
	if len(features) == 0 {
		return errors.New("there is no row to ask about")
	}
	e, done, err := r.examiner(r.endpoint())
	if err != nil {
		return err
	}
	defer done()
	item := model.Item{Body: e.codec.AppendRow(nil, features[0])}
	began := time.Now()
	resp, err := e.patientCall(ctx, e.request([]model.Item{item}))
	if err == nil {
		err = resp.Answers[0].Err
	}
	if err != nil {
		return r.wrong("sagemaker", "version %d is in service and does not answer: %w", out.Version, err)
	}
	out.Micros = time.Since(began).Microseconds()
	out.Answer, err = e.codec.Decode(resp.Answers[0].Body, resp.ContentType)
	return err
}
