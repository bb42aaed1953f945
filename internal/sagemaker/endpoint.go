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

// Endpoint is one SageMaker endpoint. It is a model.Invoker, safe for
// concurrent use. Run keeps its state known.
type Endpoint struct {
	name      string
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
	s, err := a.service(runtimeAPI(), c, c.Connections, invokeTimeout)
	if err != nil {
		return nil, err
	}
	control, err := a.Control(c)
	if err != nil {
		return nil, err
	}
	e := &Endpoint{
		name: c.Endpoint, targets: targetsOf(c), service: s, url: s.at("/endpoints/" + c.Endpoint + "/invocations"),
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

var errNoItems = errors.New("a request without items; ask about at least one event")

// Invoke asks once.
func (e *Endpoint) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	if r == nil || len(r.Items) == 0 {
		return nil, e.fail(model.ClassBadInput, errNoItems)
	}
	body := r.Items[0].Body
	if len(r.Items) > 1 {
		codec, err := r.Codec()
		if err != nil {
			return nil, e.fail(model.ClassBadInput, err)
		}
		body = codec.Join(r.Items)
	}
	if len(body) > maxBodyBytes {
		return nil, e.fail(model.ClassTooLarge, fmt.Errorf("the request has %d bytes, a real-time endpoint takes %d", len(body), maxBodyBytes))
	}
	reply, who, err := e.send(ctx, r, body)
	if err != nil {
		return nil, err
	}
	if reply.Status < 200 || reply.Status > 299 {
		return nil, e.refused(ctx, who, reply)
	}
	return e.answer(r, reply)
}

// send also tells as whom.
func (e *Endpoint) send(ctx context.Context, r *model.Request, body []byte) (exchange.Reply, wire.Credentials, error) {
	header := e.header(r)
	signed := wire.Request{Method: http.MethodPost, URL: e.url, Header: header, PayloadHash: wire.PayloadHash(body)}
	who, err := e.service.sign(ctx, signed)
	if err != nil {
		if ctx.Err() != nil {
			return exchange.Reply{}, who, e.fail(exchange.ClassOf(ctx.Err()), ctx.Err())
		}
		return exchange.Reply{}, who, e.fail(model.ClassDenied, err)
	}
	reply, err := e.service.exchange.Do(ctx, exchange.Request{URL: e.url, Header: header, Body: body})
	return reply, who, err
}

func (e *Endpoint) answer(r *model.Request, reply exchange.Reply) (*model.Response, error) {
	contentType := reply.Header.Get("Content-Type")
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
