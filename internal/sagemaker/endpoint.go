package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
	"betimes/internal/sagemaker/wire"
)

const (
	// invokeTimeout is a second more than the service waits for a container.
	invokeTimeout = 61 * time.Second
	// maxBodyBytes is what a real-time endpoint takes.
	maxBodyBytes = 25 << 20
)

// operation is how an endpoint is asked.
type operation struct {
	path        string // below the endpoint's own
	timeout     time.Duration
	maxBytes    int    // of a request
	accept      string // header
	contentType string // header, empty: only the one of HTTP
	answerType  string // header
	framed      *exchange.Framing
}

func invokes() operation {
	return operation{path: "invocations", timeout: invokeTimeout, maxBytes: maxBodyBytes, accept: "Accept", answerType: "Content-Type"}
}

// Endpoint is one SageMaker endpoint. It is a model.Invoker, safe for
// concurrent use. Run keeps its state known.
type Endpoint struct {
	name      string
	operation operation
	targets   []target
	service   *service
	url       *url.URL
	control   *Control
	every     time.Duration
	log       *slog.Logger
	throttles prometheus.Counter
	metrics   *metrics
	state     atomic.Pointer[EndpointState]
	follow    func(was, now EndpointState) // told of every change; may be nil
	wanted    string                       // config that a deployment under way brings; only the probe asks
}

// Endpoint makes the Invoker of a configured endpoint. The endpoint need not exist yet.
func (a *Account) Endpoint(c Config) (*Endpoint, error) {
	if c.Stream {
		return a.endpoint(c, streams())
	}
	return a.endpoint(c, invokes())
}

func (a *Account) endpoint(c Config, o operation) (*Endpoint, error) {
	s, err := a.service(runtimeAPI(), c, c.Connections, o.timeout)
	if err != nil {
		return nil, err
	}
	control, err := a.Control(c)
	if err != nil {
		return nil, err
	}
	e := &Endpoint{
		name: c.Endpoint, operation: o, targets: targetsOf(c), service: s, url: s.at("/endpoints/" + c.Endpoint + "/" + o.path),
		control: control, every: probeEvery(c, control.Emulated()), log: a.deps.Log,
		throttles: a.metrics.throttles.WithLabelValues(c.Endpoint), metrics: a.metrics,
	}
	return e, nil
}

// Close closes idle connections.
func (e *Endpoint) Close() {
	e.service.exchange.Close()
	e.control.Close()
}

// Patience is how long the service lets one call take.
func (e *Endpoint) Patience() time.Duration { return e.operation.timeout }

var errNoItems = errors.New("a request without items; ask about at least one event")

// Invoke asks once.
func (e *Endpoint) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	if r == nil || len(r.Items) == 0 {
		return nil, e.fail(model.ClassBadInput, errNoItems)
	}
	body, err := e.body(r)
	if err != nil {
		return nil, err
	}
	reply, who, err := e.send(ctx, e.request(r, e.header(r), body))
	if err != nil {
		return nil, err
	}
	if reply.Status < 200 || reply.Status > 299 {
		return nil, e.refused(ctx, who, reply)
	}
	return e.answer(r, reply)
}

// body is what a request sends.
func (e *Endpoint) body(r *model.Request) ([]byte, error) {
	body := r.Items[0].Body
	if len(r.Items) > 1 {
		codec, err := r.Codec()
		if err != nil {
			return nil, e.fail(model.ClassBadInput, err)
		}
		body = codec.Join(r.Items)
	}
	if most := e.operation.maxBytes; len(body) > most {
		return nil, e.fail(model.ClassTooLarge, fmt.Errorf("the request has %d bytes, the endpoint takes %d", len(body), most))
	}
	return body, nil
}

// request is what is sent about r.
func (e *Endpoint) request(r *model.Request, header http.Header, body []byte) exchange.Request {
	return exchange.Request{URL: e.url, Header: header, Body: body, Framed: e.operation.framed, Latest: r.Latest()}
}

// send also tells as whom.
func (e *Endpoint) send(ctx context.Context, q exchange.Request) (exchange.Reply, wire.Credentials, error) {
	signed := wire.Request{Method: http.MethodPost, URL: q.URL, Header: q.Header, PayloadHash: wire.PayloadHash(q.Body)}
	who, err := e.service.sign(ctx, signed)
	if err != nil {
		if ctx.Err() != nil {
			return exchange.Reply{}, who, e.fail(exchange.ClassOf(ctx.Err()), ctx.Err())
		}
		return exchange.Reply{}, who, e.fail(model.ClassDenied, err)
	}
	reply, err := e.service.exchange.Do(ctx, q)
	return reply, who, err
}

func (e *Endpoint) answer(r *model.Request, reply exchange.Reply) (*model.Response, error) {
	contentType := reply.Header.Get(e.operation.answerType)
	resp := &model.Response{
		ContentType: contentType, Endpoint: e.name, Times: reply.Times,
		Variant: reply.Header.Get(headerInvokedVariant), Version: e.Version(),
	}
	readAttributes(&resp.Times, reply.Header.Get(headerAttributes))
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
