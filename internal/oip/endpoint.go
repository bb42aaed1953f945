package oip

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
)

// Deps are the endpoint's collaborators.
type Deps struct {
	Name       string   // of the endpoint in answers, errors and metrics
	Fields     []string // names of the numbers of each request, when it is a row of them
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Room       *exchange.Room // for answers; nil: one of its own
}

// Endpoint is one model of one server. It is a model.Invoker, safe for concurrent use.
type Endpoint struct {
	config    Config
	name      string
	fields    []string
	log       *slog.Logger
	transport transport
	known     *known
	fitted    atomic.Bool // a request has fitted the model
	unready   atomic.Pointer[model.Error]
}

// New makes an Endpoint. It fails when a file of the configuration cannot be
// read, not when the server is away.
func New(c Config, d Deps) (*Endpoint, error) {
	e := &Endpoint{config: c, name: d.Name, fields: d.Fields, log: d.Log}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	dialled := newConnections(d.Registerer).WithLabelValues(d.Name)
	var err error
	if c.grpc() {
		e.transport, err = newGRPC(c, d.Name, dialled.Inc, d.Room)
	} else {
		e.transport, err = newHTTP(c, d.Name, dialled.Inc, d.Room)
	}
	if err != nil {
		return nil, err
	}
	e.known = newKnown(d.Name, e.describe)
	return e, nil
}

// Close closes idle connections; calls over HTTP under way end by themselves.
func (e *Endpoint) Close() {
	e.known.close()
	e.transport.close()
}

var errNoItems = errors.New("a request without items; ask about at least one event")

// Invoke asks once.
func (e *Endpoint) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	if r == nil || len(r.Items) == 0 {
		return nil, e.fail(model.ClassBadInput, errNoItems)
	}
	if ended := ctx.Err(); ended != nil {
		return nil, e.fail(exchange.ClassOf(ended), ended)
	}
	s, err := e.known.get(ctx)
	if err != nil {
		return nil, err
	}
	answers := make([]model.Answer, len(r.Items))
	inputs, asked := e.inputs(s, r, answers)
	if len(asked) == 0 {
		return nil, answers[0].Err
	}
	joined, err := join(inputs)
	if err != nil {
		return nil, e.fail(model.ClassBadInput, err)
	}
	got, err := e.transport.infer(ctx, &call{id: r.InferenceID, deadline: r.Deadline(), latest: r.Latest(), inputs: joined, binary: s.binary})
	if err != nil {
		e.failed(err)
		return nil, err
	}
	return e.response(r, got, answers, asked)
}

// inputs makes tensors of every item that fits; asked are their places. The others
// have their error in answers.
func (e *Endpoint) inputs(s *signature, r *model.Request, answers []model.Answer) (inputs [][]tensor, asked []int) {
	inputs, asked = make([][]tensor, 0, len(r.Items)), make([]int, 0, len(r.Items))
	for i := range r.Items {
		one, err := s.tensors(r.ContentType, r.Items[i].Body, e.fields)
		if err != nil {
			answers[i].Err = e.misfit(err)
			continue
		}
		inputs, asked = append(inputs, one), append(asked, i)
	}
	if len(asked) > 0 {
		e.fitted.Store(true)
	}
	return inputs, asked
}

// misfit is the error of an event that the model cannot be asked about. Until one
// has fitted, the mapping is more likely to be wrong than the event: it waits.
func (e *Endpoint) misfit(err error) error {
	if e.fitted.Load() {
		return e.fail(model.ClassBadInput, err)
	}
	return e.fail(model.ClassNotFound, err)
}

// response puts the answers in their places.
func (e *Endpoint) response(r *model.Request, got *result, answers []model.Answer, asked []int) (*model.Response, error) {
	media := mediaJSON
	if wants(r, mediaCSV) {
		media = mediaCSV
	}
	err := got.check(r.InferenceID)
	var parts []model.Answer
	if err == nil {
		parts, err = got.answers(e.config.Model, media, len(asked))
	}
	if err != nil {
		return nil, e.fail(model.ClassBadOutput, err)
	}
	for i, at := range asked {
		answers[at] = parts[i]
		if parts[i].Err != nil {
			answers[at].Err = e.fail(model.ClassBadOutput, parts[i].Err)
		}
	}
	if len(answers) == 1 && answers[0].Err != nil {
		return nil, answers[0].Err
	}
	return &model.Response{Answers: answers, ContentType: media, Endpoint: e.name, Version: got.version, Times: got.times}, nil
}

// wants says whether answers are to be of a media type: accept, else that of the request.
func wants(r *model.Request, media string) bool {
	asked := r.Accept
	if asked == "" {
		asked = r.ContentType
	}
	asked, _, _ = strings.Cut(asked, ";")
	return strings.EqualFold(strings.TrimSpace(asked), media)
}

// failed lets the metadata be read anew when the server may have changed.
func (e *Endpoint) failed(err error) {
	switch model.ClassOf(err) {
	case model.ClassNotFound, model.ClassConnection, model.ClassNotReady, model.ClassUnavailable:
		e.known.forget()
	}
}

func (e *Endpoint) fail(class model.Class, cause error) error {
	return &model.Error{Class: class, Endpoint: e.name, Err: cause}
}
