package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"betimes/internal/budget"
	"betimes/internal/event"
	"betimes/internal/flow/admit"
	"betimes/internal/flow/batch"
	"betimes/internal/flow/feature"
	"betimes/internal/kafka/registry"
	"betimes/internal/model"
	"betimes/internal/pointer"
)

// chain is the prediction path: what happens between an event that a worker
// has and its ending.
//
//	route → feature → balance ∘ endpoint → answer → prediction
type chain struct {
	reader  *feature.Reader
	router  *feature.Router
	models  map[string]*asked
	output  *feature.Output
	include *feature.Include
	timed   bool            // events have a time of their own
	time    pointer.Pointer // where it is
	bare    bool            // predictions are no envelope: the timeline goes into a header
	sheds   bool            // what cannot be in time: flow.admit.late
	words   bool            // what models say may be kept: privacy.show is payloads
}

// asked is one model as the chain asks it.
type asked struct {
	name        string
	contentType string
	form        model.Form
	accept      string
	mapper      *feature.Mapper
	codec       model.Codec
	refusedIn   string            // member of an answer that refuses its event; empty: none
	response    *feature.Response // nil: the answer is the prediction
	invoker     model.Invoker
	patience    time.Duration // of one call
	direct      model.Invoker // invoker without admission; nil: it is the same
	fallback    *asked        // answers what this one could not in time; nil: nobody
	live        *budget.Live
	// answeredSince says whether an endpoint answered others after a moment; nil: not known.
	answeredSince func(endpoint string, at time.Time) bool
	trial         *trial
	// what wrap made; nil: that has no part in it
	limiter *admit.Limiter
	queue   *batch.Queue
}

// work makes one attempt at an event.
func (c *chain) work(ctx context.Context, e *event.Event) event.Ending {
	in := c.reader.Open(e, time.Now())
	defer in.Close()
	name, err := c.router.Model(in)
	if err != nil {
		return unmapped(err)
	}
	m := c.models[name]
	body, err := m.mapper.Append(in, nil)
	if err != nil {
		return unmapped(err)
	}
	e.Timeline.Mark(event.StageFeature, time.Now())
	resp, err := m.ask(ctx, e, body)
	if err != nil && model.ClassOf(err) == model.ClassLate {
		return c.late(ctx, in, e, m, refused{body, err})
	}
	if err != nil {
		return m.trial.judge(e, m.failed(e, c.quiet(err)))
	}
	return m.trial.judge(e, c.predicted(in, e, m, resp, "ok"))
}

// unmapped ends an event that the mapping cannot use. One whose schema is not to be
// had for now waits.
func unmapped(err error) event.Ending {
	if errors.Is(err, registry.ErrAway) {
		return event.Ending{Place: event.Unfinished, Stage: event.StageFeature, Err: err}
	}
	return event.Fail(feature.ReasonOf(err), event.StageFeature, err)
}

// ask makes one call for one event.
func (m *asked) ask(ctx context.Context, e *event.Event, body []byte) (*model.Response, error) {
	return m.askBy(ctx, m.invoker, e, body)
}

func (m *asked) askBy(ctx context.Context, invoker model.Invoker, e *event.Event, body []byte) (*model.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, m.patience)
	defer cancel()
	resp, err := invoker.Invoke(ctx, &model.Request{
		Model: m.name, ContentType: m.contentType, Form: m.form, Accept: m.accept, InferenceID: inferenceID(e.ID),
		Items: []model.Item{{Event: e, Body: body, Deadline: m.live.AnswerBy(e.Deadline)}},
	})
	if err == nil && resp.Answers[0].Err != nil {
		err = resp.Answers[0].Err
	}
	return resp, err
}

// inferenceID is the event's id, or a digest of one that no header can carry:
// the same at every attempt, also by the next owner of the partition.
func inferenceID(id string) string {
	good := len(id) <= 64
	for i := 0; good && i < len(id); i++ {
		good = id[i] > ' ' && id[i] < 0x7f
	}
	if good {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:16])
}

// quiet takes the model's own words out of an error, unless payloads may be
// shown: they may repeat the event.
func (c *chain) quiet(err error) error {
	e, is := errors.AsType[*model.Error](err)
	if !is || e.Message == "" || c.words {
		return err
	}
	short := *e
	short.Message = fmt.Sprintf("the model said %d bytes, kept with privacy.show: payloads", len(e.Message))
	return &short
}

// failed says what a failed call means for e. An endpoint that hangs up on an event
// again, and answered others in between, is not away: the event is the cause.
func (m *asked) failed(e *event.Event, err error) event.Ending {
	ending := failed(err)
	said, is := errors.AsType[*model.Error](err)
	if is && said.Class == model.ClassConnection && !e.Failed.IsZero() && m.answeredSince != nil && m.answeredSince(said.Endpoint, e.Failed) {
		ending.Counted, ending.Reason, ending.Stage = true, event.ReasonModelError, event.StageModel
	}
	return ending
}

// failed says what a failed call means for its event. What the endpoint is to
// blame for is waited out; what the event may be the cause of uses up an attempt.
func failed(err error) event.Ending {
	class := model.ClassOf(err)
	switch {
	case class == model.ClassTooLarge:
		return event.Fail(event.ReasonTooLarge, event.StageModel, err)
	case class.OfEvent():
		return event.Fail(event.ReasonModelInput, event.StageModel, err)
	case class.OfEndpoint():
		ending := event.Ending{Place: event.Unfinished, Stage: event.StageNetwork, Err: err, Throttled: class == model.ClassThrottled}
		if class == model.ClassNotReady {
			ending.After = time.Second // a model that loads is not loaded sooner by asking
		}
		return ending
	case class == model.ClassBadOutput:
		return event.Ending{Place: event.Unfinished, Counted: true, Reason: event.ReasonBadModelOutput, Stage: event.StageModel, Err: err}
	}
	return event.Ending{Place: event.Unfinished, Counted: true, Reason: event.ReasonModelError, Stage: event.StageModel, Err: err}
}

// predicted makes the ending of an answered event.
func (c *chain) predicted(in *feature.Input, e *event.Event, m *asked, resp *model.Response, status string) event.Ending {
	answer, err := m.codec.Decode(resp.Answers[0].Body, resp.ContentType)
	if err != nil {
		return failed(&model.Error{Class: model.ClassBadOutput, Endpoint: resp.Endpoint, Err: err})
	}
	if text := model.RecordError(answer, m.refusedIn); text != "" {
		return failed(c.quiet(&model.Error{Class: model.ClassBadInput, Endpoint: resp.Endpoint, Message: text}))
	}
	if m.response != nil {
		if answer, err = m.response.Prediction(in, answer); err != nil {
			return event.Fail(feature.ReasonOf(err), event.StageModel, err)
		}
	}
	now := time.Now()
	p := event.Prediction{
		ID: e.ID, Key: string(e.Key), Status: status, Prediction: answer, Cache: "off", Batch: max(resp.Batch, 1), Attempts: e.Attempts,
		Model:    event.ModelRef{Name: m.name, Endpoint: resp.Endpoint, Variant: resp.Variant, Version: resp.Version},
		Received: e.Received, Late: e.Late(now), Include: c.include.Of(in),
	}
	if !e.Deadline.IsZero() {
		p.Deadline = &e.Deadline
	}
	if c.timed {
		if at := pointer.Time(in.At(c.time)); !at.IsZero() {
			p.EventTime = &at
		}
	}
	value, headers, err := c.output.Record(in, &p)
	if err != nil {
		return event.Fail(feature.ReasonOf(err), event.StagePublish, err)
	}
	if c.bare {
		headers = append(headers, event.Header{Name: event.HeaderTimeline, Value: e.Timeline.AppendHeader(nil)})
	}
	return event.Ending{Place: event.Predicted, Value: value, Headers: headers}
}
