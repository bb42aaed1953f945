package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
)

const deadlineHeader = "X-Deadline-Ms"

// inferenceHeader carries an id that is the same at every attempt at an event: a
// server that remembers it need not compute twice.
const inferenceHeader = "X-Inference-Id"

// Deps are the endpoint's collaborators.
type Deps struct {
	Name       string   // of the endpoint in answers, errors and metrics
	Fields     []string // of flow.feature, for the template
	Registerer prometheus.Registerer
	Room       *exchange.Room // for answers; nil: one of its own
}

// Endpoint is one model server. It is a model.Invoker, safe for concurrent use.
type Endpoint struct {
	name     string
	url      *url.URL
	template *template // nil: bodies are sent as they are
	headers  *exchange.Headers
	client   *exchange.Client
}

// New makes an Endpoint. It fails when a file of the configuration cannot be
// read, not when the server is away.
func New(c Config, d Deps) (*Endpoint, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	authority, err := exchange.Authority(c.CA)
	if err != nil {
		return nil, err
	}
	h, err := exchange.NewHeaders(c.Headers)
	if err != nil {
		return nil, err
	}
	around, err := newTemplate(c.Template, d.Fields)
	if err != nil {
		return nil, err
	}
	dialled := newConnections(d.Registerer).WithLabelValues(d.Name)
	return &Endpoint{
		name: d.Name, url: u, template: around, headers: h,
		client: exchange.New(exchange.Config{
			Endpoint: d.Name, Connections: c.Connections, Timeout: c.Timeout, TLS: authority, Dialed: dialled.Inc, Room: d.Room,
		}),
	}, nil
}

// Close closes idle connections; calls under way end by themselves.
func (e *Endpoint) Close() { e.client.Close() }

// Reach says whether the server takes connections, and why not.
func (e *Endpoint) Reach(ctx context.Context) error { return e.client.Reach(ctx, e.url) }

var errNoItems = errors.New("a request without items; ask about at least one event")

// Invoke asks once.
func (e *Endpoint) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	if r == nil || len(r.Items) == 0 {
		return nil, e.fail(model.ClassBadInput, errNoItems)
	}
	body, err := e.body(r)
	if err != nil {
		return nil, e.fail(model.ClassBadInput, err)
	}
	header, err := e.header(r)
	if err != nil {
		return nil, e.fail(model.ClassDenied, err)
	}
	reply, err := e.client.Do(ctx, exchange.Request{URL: e.url, Header: header, Body: body, Latest: r.Latest()})
	if err != nil {
		return nil, err
	}
	if reply.Status < 200 || reply.Status > 299 {
		return nil, e.refused(reply)
	}
	return e.answer(r, reply)
}

// body is that of one item, of several in one, or the template around them.
func (e *Endpoint) body(r *model.Request) ([]byte, error) {
	if e.template != nil {
		return e.template.body(r.Items)
	}
	if len(r.Items) == 1 {
		return r.Items[0].Body, nil
	}
	codec, err := r.Codec()
	if err != nil {
		return nil, err
	}
	return codec.Join(r.Items), nil
}

// header is the shared set with this request's id and deadline, or the set
// itself when it has neither.
func (e *Endpoint) header(r *model.Request) (http.Header, error) {
	shared, err := e.headers.Of(r.ContentType, r.Accept)
	if err != nil {
		return nil, err
	}
	deadline := r.Deadline()
	if deadline.IsZero() && r.InferenceID == "" {
		return shared, nil
	}
	h := make(http.Header, len(shared)+2)
	for name, values := range shared {
		h[name] = values
	}
	if r.InferenceID != "" {
		h[inferenceHeader] = []string{r.InferenceID}
	}
	if !deadline.IsZero() {
		left := max(0, time.Until(deadline).Milliseconds())
		h[deadlineHeader] = []string{strconv.FormatInt(left, 10)}
	}
	return h, nil
}

func (e *Endpoint) answer(r *model.Request, reply exchange.Reply) (*model.Response, error) {
	contentType := reply.Header.Get("Content-Type")
	resp := &model.Response{ContentType: contentType, Endpoint: e.name, Times: reply.Times}
	exchange.ReadServerTiming(&resp.Times, reply.Header["Server-Timing"])
	answers, err := model.Answered(r, reply.Body, contentType)
	if err != nil {
		return nil, e.fail(model.ClassOf(err), errors.Unwrap(err))
	}
	resp.Answers = answers
	return resp, nil
}

func (e *Endpoint) fail(class model.Class, cause error) error {
	return &model.Error{Class: class, Endpoint: e.name, Err: cause}
}
