package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
)

const (
	// maxAsyncBytes is what an asynchronous endpoint takes from S3.
	maxAsyncBytes = 1 << 30
	// maxInlineBytes is what it takes in the request.
	maxInlineBytes = 128_000
	// acceptTimeout is for the endpoint to take a request.
	acceptTimeout = 30 * time.Second
	// asyncConnections to S3 ask for results and bring requests.
	asyncConnections = 32
	// ours is what outputs lie under below the endpoint's own path, so that those
	// which nobody fetched can be told from others'.
	ours = "betimes"
)

// Headers of an asynchronous request and its answer, as net/http spells them.
const (
	headerInput     = "X-Amzn-Sagemaker-Inputlocation"
	headerTTL       = "X-Amzn-Sagemaker-Requestttlseconds"
	headerLimit     = "X-Amzn-Sagemaker-Invocationtimeoutseconds"
	headerExtension = "X-Amzn-Sagemaker-S3outputpathextension"
	headerOutput    = "X-Amzn-Sagemaker-Outputlocation"
	headerFailure   = "X-Amzn-Sagemaker-Failurelocation"
)

// submits is InvokeEndpointAsync.
func submits() operation {
	return operation{
		path: "async-invocations", timeout: acceptTimeout, maxBytes: maxAsyncBytes,
		accept: headerStreamAccept, contentType: headerStreamType, answerType: "Content-Type",
	}
}

// Async is one asynchronous endpoint. It is a model.Invoker, safe for concurrent
// use: Invoke submits and waits for the result, which a notification tells or S3 has.
// Run takes the notifications, keeps the endpoint's state known and removes what
// nobody needs.
type Async struct {
	endpoint *Endpoint
	objects  *Objects
	queue    *queue // nil: S3 is asked
	config   AsyncConfig
	input    place // what requests lie under
	ledger   ledger
	pace     pace
	litter   chan place
	outputs  atomic.Pointer[place] // what our results lie under; nil: not known yet
	failures atomic.Pointer[place]
	losses   atomic.Int64 // times that the endpoint went, and what waited there with it
	blind    atomic.Bool  // it was said that results cannot be read
	dirty    atomic.Bool  // it was said that objects stay
	follow   func(was, now EndpointState)
	meter    asyncMeter
}

// maxLitter is how many objects may wait to be deleted; a sweep finds what is over.
const maxLitter = 4096

// Async makes the Invoker of an asynchronous endpoint. The endpoint need not exist yet.
func (a *Account) Async(c Config) (*Async, error) {
	var x Async
	var err error
	if x.endpoint, err = a.endpoint(c, submits()); err != nil {
		return nil, err
	}
	if x.objects, err = a.objects(c, asyncConnections); err != nil {
		return nil, err
	}
	x.config = *c.Async
	if x.config.Queue != "" {
		if x.queue, err = a.queue(c, x.config.Queue); err != nil {
			return nil, err
		}
	}
	if x.input, err = placeOf(firstOf(x.config.Input, "s3://"+a.Bucket()+"/betimes-async")); err != nil {
		return nil, fmt.Errorf("async.input: %w", err)
	}
	x.input = x.input.below(c.Endpoint)
	x.litter = make(chan place, maxLitter)
	x.meter = a.metrics.async(c.Endpoint)
	x.endpoint.Follow(x.learn)
	return &x, nil
}

// Close closes idle connections.
func (a *Async) Close() {
	a.endpoint.Close()
	a.objects.Close()
	if a.queue != nil {
		a.queue.close()
	}
}

// State is what the last probe saw; its Status is empty before the first.
func (a *Async) State() EndpointState { return a.endpoint.State() }

// Patience is how long there may be an answer.
func (a *Async) Patience() time.Duration { return a.config.life() }

// Follow has f called by each probe but the first, with what was and what is. It is
// called before Run.
func (a *Async) Follow(f func(was, now EndpointState)) { a.follow = f }

// learn takes in what a probe saw. What waits at an endpoint goes with it.
func (a *Async) learn(was, now EndpointState) {
	if !now.Serving() && !now.Changing() && (was.Serving() || was.Changing()) {
		a.losses.Add(1)
	}
	if a.follow != nil {
		a.follow(was, now)
	}
}

// answer is a result that is there.
type answer struct {
	body        []byte
	contentType string
	took        time.Duration // by the service's own clock; 0: not known
}

// Invoke asks once, and waits.
func (a *Async) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	if r == nil || len(r.Items) == 0 {
		return nil, a.endpoint.fail(model.ClassBadInput, errNoItems)
	}
	if err := ctx.Err(); err != nil {
		return nil, a.endpoint.fail(exchange.ClassOf(err), err)
	}
	body, err := a.endpoint.body(r)
	if err != nil {
		return nil, err
	}
	j := a.ledger.begin(r.InferenceID, a.config.life())
	a.meter.pending.Inc()
	got, how, err := a.run(ctx, j, r, body)
	a.conclude(j, how)
	if err != nil {
		return nil, err
	}
	return a.respond(r, j, got)
}

// run takes a job to its one end.
func (a *Async) run(ctx context.Context, j *job, r *model.Request, body []byte) (answer, outcome, error) {
	if err := a.submit(ctx, j, r, body); err != nil {
		if ctx.Err() != nil {
			return answer{}, jobCanceled, err
		}
		return answer{}, jobRefused, err
	}
	return a.await(ctx, j)
}

// conclude writes the job's end into the books and has its objects deleted. The
// result of one that was given up is looked for; its request is taken away at once,
// so that the model is spared what has not begun.
func (a *Async) conclude(j *job, how outcome) {
	a.ledger.end(j, how)
	a.meter.pending.Dec()
	a.meter.requests[how].Inc()
	a.discard(j.input)
	switch how {
	case jobCompleted:
		a.pace.took(time.Since(j.begun))
		a.discard(j.output)
	case jobFailed:
		a.discard(j.failure)
	}
}

// discard has an object deleted, unless everything is kept.
func (a *Async) discard(p place) {
	if p == (place{}) || a.config.Keep {
		return
	}
	select {
	case a.litter <- p:
	default:
	}
}

func (a *Async) respond(r *model.Request, j *job, got answer) (*model.Response, error) {
	resp := &model.Response{
		ContentType: got.contentType, Endpoint: a.endpoint.name, Version: a.endpoint.Version(),
		Times: model.Times{Total: time.Since(j.begun)},
	}
	if got.took > 0 && got.took <= resp.Times.Total {
		resp.Times.Compute, resp.Times.Server = got.took, true
	}
	answers, err := model.Answered(r, got.body, got.contentType)
	if err != nil {
		return nil, a.endpoint.fail(model.ClassOf(err), errors.Unwrap(err))
	}
	resp.Answers = answers
	return resp, nil
}

// submit gives a request to the endpoint, by way of S3 when it is large.
func (a *Async) submit(ctx context.Context, j *job, r *model.Request, body []byte) error {
	header := a.endpoint.header(r)
	header.Set(headerInferenceID, j.id)
	header.Set(headerTTL, seconds(a.config.TTL))
	header.Set(headerLimit, seconds(a.config.Timeout))
	header.Set(headerExtension, ours)
	if len(body) == 0 || len(body) > maxInlineBytes {
		if err := a.bring(ctx, j, body, r.ContentType); err != nil {
			return err
		}
		header.Set(headerInput, j.input.String())
		header.Del("Content-Type")
		body = nil
	} else {
		header.Set("Content-Type", "application/octet-stream") // the body's own stands in another header
	}
	reply, who, err := a.endpoint.send(ctx, a.endpoint.request(r, header, body))
	if err != nil {
		return err
	}
	if reply.Status != http.StatusAccepted {
		return a.endpoint.refused(ctx, who, reply)
	}
	return a.locate(j, reply.Header)
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// locate learns where the result will be.
func (a *Async) locate(j *job, h http.Header) error {
	output, err := placeOf(h.Get(headerOutput))
	if err != nil {
		return a.endpoint.fail(model.ClassBadOutput, fmt.Errorf("the endpoint took the request but does not say where its answer will be: %q: %w", h.Get(headerOutput), err))
	}
	failure, _ := placeOf(h.Get(headerFailure)) // none: the endpoint's config has no S3FailurePath
	a.ledger.mu.Lock()
	j.output, j.failure, j.losses = output, failure, a.losses.Load()
	a.ledger.mu.Unlock()
	learnFolder(&a.outputs, output)
	learnFolder(&a.failures, failure)
	return nil
}
