package inference

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"betimes/internal/lab/emulator/chance"
	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
	"betimes/internal/lab/emulator/store"
)

// Resume takes up what an earlier run has accepted; endpoints that are back work on it.
func (s *Service) Resume() error {
	b := s.Backlog
	kept, err := store.Load[*asyncRequest](b.Store, asyncKind)
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.open, b.end = context.WithCancel(context.Background())
	for _, q := range kept {
		b.queue(q.Endpoint).waiting = append(b.queue(q.Endpoint).waiting, q)
	}
	var names []string
	for name, l := range b.queues {
		slices.SortFunc(l.waiting, func(x, y *asyncRequest) int { return x.Received.Compare(y.Received) })
		names = append(names, name)
	}
	open := b.open
	b.mu.Unlock()
	b.working.Add(1)
	b.Clock.Go(func() { s.watch(open) })
	for _, name := range names {
		s.dispatch(name)
	}
	return nil
}

// reset forgets what waits; what runs ends as it would.
func (b *Backlog) reset() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.queues {
		for _, q := range l.waiting {
			if q.taken != nil {
				q.taken()
			}
		}
		l.waiting = nil
	}
	return b.Store.Clear(asyncKind)
}

// Close leaves what is not done to the next run.
func (s *Service) Close() {
	b := s.Backlog
	b.mu.Lock()
	if b.end != nil {
		b.end()
	}
	b.mu.Unlock()
	b.working.Wait()
}

// dispatch gives waiting requests to instances that have room, and lets the others expire in time.
func (s *Service) dispatch(name string) {
	b := s.Backlog
	if b == nil {
		return
	}
	_, routing := s.serving(name)
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.queues[name]
	if l == nil || b.open == nil || b.open.Err() != nil {
		return
	}
	room := routing.room(cmp.Or(s.PerInstance, DefaultPerInstance)) - l.running
	for room > 0 && len(l.waiting) > 0 {
		q := l.waiting[0]
		l.waiting = l.waiting[1:]
		if q.taken != nil {
			q.taken()
		}
		room--
		l.running++
		b.working.Add(1)
		go s.work(q, routing)
	}
	if len(l.waiting) > 0 && l.running == 0 && routing.instances() > 0 { // a container starts again
		s.lookAgain(name, l)
	}
	for _, q := range l.waiting {
		if q.taken == nil {
			s.expire(q)
		}
	}
}

// askAgain is how soon instances are looked at again that were not ready.
const askAgain = 200 * time.Millisecond

// lookAgain dispatches a little later, once however many ask for it; b.mu is held.
func (s *Service) lookAgain(name string, l *backlog) {
	if l.looking {
		return
	}
	l.looking = true
	time.AfterFunc(askAgain, func() {
		s.Backlog.mu.Lock()
		l.looking = false
		s.Backlog.mu.Unlock()
		s.dispatch(name)
	})
}

// instances is how many there are, ready or not.
func (r *Routing) instances() int {
	n := 0
	if r != nil && r.Async != nil {
		for i := range r.Variants {
			n += len(r.Variants[i].Instances)
		}
	}
	return n
}

// room is how many requests may run at once; standard is per instance, where the config says nothing.
func (r *Routing) room(standard int) int {
	if r == nil || r.Async == nil {
		return 0
	}
	n := 0
	for i := range r.Variants {
		for _, instance := range r.Variants[i].Instances {
			if instance.Ready() {
				n++
			}
		}
	}
	if r.Async.PerInstance > 0 {
		return n * r.Async.PerInstance
	}
	return n * standard
}

// expire fails a request that waits for too long; b.mu is held.
func (s *Service) expire(q *asyncRequest) {
	b := s.Backlog
	var ctx context.Context
	ctx, q.taken = context.WithCancel(b.open)
	b.working.Add(1)
	b.Clock.Go(func() {
		defer b.working.Done()
		if b.Clock.Sleep(ctx, q.Expires.Sub(b.Clock.Now())) != nil {
			return
		}
		b.mu.Lock()
		l := b.queues[q.Endpoint]
		at := -1
		if l != nil {
			at = slices.Index(l.waiting, q)
		}
		if at >= 0 {
			l.waiting = slices.Delete(l.waiting, at, at+1)
		}
		b.mu.Unlock()
		if at < 0 {
			return
		}
		_, routing := s.serving(q.Endpoint)
		q.count(expiredRequests)
		s.finish(q, routing, fleet.Answer{}, errExpired)
	})
}

// failure is why an asynchronous request failed, in the words of its notification.
type failure string

func (f failure) Error() string { return string(f) }

const errExpired failure = "ClientError: The request expired: it waited for longer than its RequestTTLSeconds."

// work runs one request to its end.
func (s *Service) work(q *asyncRequest, routing *Routing) {
	b := s.Backlog
	defer b.working.Done()
	answer, err := s.run(q, routing)
	again := errors.Is(err, fleet.ErrNotReady) // the instance went while we came
	if !again && (b.open.Err() == nil || err == nil) {
		s.finish(q, routing, answer, err)
	}
	b.mu.Lock()
	l := b.queue(q.Endpoint)
	l.running--
	if again {
		q.taken = nil
		l.waiting = slices.Insert(l.waiting, 0, q)
	}
	b.mu.Unlock()
	s.dispatch(q.Endpoint)
}

// run asks a model.
func (s *Service) run(q *asyncRequest, routing *Routing) (fleet.Answer, error) {
	var draws chance.Draws
	draws.Begin(s.Seed, chance.Salt(q.Endpoint), q.Number)
	variant := routing.pick("", draws.For(chance.Route))
	if variant == nil {
		return fleet.Answer{}, errors.New("InternalServerError: no variant has weight")
	}
	instance := variant.instance(draws.For(chance.Route), nil)
	if instance == nil {
		return fleet.Answer{}, fleet.ErrNotReady
	}
	q.variant, q.measures = variant.Name, nil
	q.took(inBacklog, s.Backlog.Clock.Now().Sub(q.Received))
	body, err := s.download(q)
	if err != nil {
		return fleet.Answer{}, err
	}
	fault := s.faultOfModel(q, instance, body, &draws)
	if fault != nil && fault.Fault == injection.ModelError {
		bad := s.before(fault, q.Endpoint)
		variant.done(time.Now(), fleet.Timing{}, bad)
		return fleet.Answer{}, q.modelFailed(bad)
	}
	ctx, cancel := context.WithTimeout(s.Backlog.open, q.Timeout)
	defer cancel()
	call := &fleet.Call{ContentType: q.ContentType, Accept: q.Accept, CustomAttributes: q.Attributes, Body: body, MaxAnswer: fleet.MaxAsyncBytes, MaxHeader: fleet.MaxAsyncHeader, NeedLength: !s.Lengthless, Chance: draws.For(chance.Service)}
	began := time.Now()
	answer, timing, err := instance.Invoke(ctx, call, slower(fault))
	if errors.Is(err, fleet.ErrNotReady) {
		return answer, err
	}
	answer.Scripted += scripted(fault, answer.Scripted)
	bad := s.failed(q.Endpoint, answer, err)
	variant.done(began, timing, bad)
	if bad == nil {
		return answer, nil
	}
	if said, ok := errors.AsType[fleet.Said](err); ok {
		q.count(modelFailures)
		return answer, failure("ClientError: " + said.Error())
	}
	return answer, q.modelFailed(bad)
}

// faultOfModel finds the fault that hits q at its instance.
func (s *Service) faultOfModel(q *asyncRequest, i *fleet.Instance, body []byte, draws *chance.Draws) *injection.Fault {
	if !s.Faults.Any() {
		return nil
	}
	w := s.whereAsync(q, draws.For(chance.Model))
	w.Variant, w.Instance, w.Body = q.variant, i.Number, body
	f := s.Faults.Of(w, injection.InTheModel...)
	if f != nil {
		s.tellFault(f, &journal.Entry{Time: time.Now(), Operation: w.Operation, Resource: "endpoint/" + q.Endpoint, Variant: w.Variant, Instance: w.Instance, Number: q.Number})
	}
	return f
}

// modelFailed is why q failed: its model did.
func (q *asyncRequest) modelFailed(bad *refusal) failure {
	q.count(modelFailures)
	side, status := "server", bad.original
	if status >= 400 && status < 500 {
		side = "client"
	}
	return failure(fmt.Sprintf("ClientError: Received %s error (%d) from model. See the SageMaker Endpoint logs in your account for more information.", side, status))
}

// download gives the input of q.
func (s *Service) download(q *asyncRequest) ([]byte, error) {
	if q.Input == "" {
		return q.Body, nil
	}
	began := time.Now()
	body, err := s.Backlog.read(q.Input)
	if err != nil {
		q.count(downloadFailures)
		return nil, fmt.Errorf("ClientError: Failed to download %s: %w", q.Input, err)
	}
	q.took(downloadLatency, time.Since(began))
	return body, nil
}

// upload writes the answer to q.
func (s *Service) upload(q *asyncRequest, answer fleet.Answer) error {
	began := time.Now()
	if err := s.Backlog.write(q.Output, answer.ContentType, bytes.NewReader(answer.Body)); err != nil {
		q.count(uploadFailures)
		return fmt.Errorf("ClientError: Failed to upload to %s: %w", q.Output, err)
	}
	q.took(uploadLatency, time.Since(began))
	return nil
}

// finish ends a request, unless a fault has its result come late or not at all.
func (s *Service) finish(q *asyncRequest, routing *Routing, answer fleet.Answer, failure error) {
	b := s.Backlog
	f := s.Faults.Of(s.whereAsync(q, nil), injection.LostResult, injection.LateResult)
	if f == nil {
		s.conclude(q, routing, answer, failure)
		return
	}
	s.tellFault(f, &journal.Entry{Time: time.Now(), Operation: injection.InvokeAsync, Resource: "endpoint/" + q.Endpoint, Number: q.Number})
	if f.Fault == injection.LostResult {
		s.forget(q)
		return
	}
	answer.Body = bytes.Clone(answer.Body)
	b.working.Add(1)
	b.Clock.Go(func() {
		defer b.working.Done()
		if b.Clock.Sleep(b.open, time.Duration(f.Add)) == nil { // else the next run asks again
			s.conclude(q, routing, answer, failure)
		}
	})
}

// conclude writes the answer or the failure, tells the topic and forgets the request.
func (s *Service) conclude(q *asyncRequest, routing *Routing, answer fleet.Answer, failure error) {
	b := s.Backlog
	if failure == nil {
		failure = s.upload(q, answer)
	}
	if failure != nil && q.Failure != "" {
		if err := b.write(q.Failure, "text/plain", strings.NewReader(failure.Error())); err != nil {
			b.Log.Warn("failure of an asynchronous request not written", "endpoint", q.Endpoint, "error", err)
		}
	}
	if routing != nil && routing.Async != nil {
		if err := s.tell(q, routing.Async, answer, failure); err != nil {
			q.count(noticeFailures)
			b.Log.Warn("notification not published", "endpoint", q.Endpoint, "error", err)
		}
	}
	if q.variant != "" {
		q.count(processed)
		q.took(inTotal, b.Clock.Now().Sub(q.Received))
	}
	b.publishMeasures(q, routing)
	note := journal.Entry{Time: time.Now(), Kind: journal.State, Resource: "endpoint/" + q.Endpoint, Operation: "InvokeEndpointAsync", Number: q.Number, Status: http.StatusOK, Text: "Completed", Scripted: answer.Scripted.Microseconds()}
	if failure != nil {
		note.Status, note.Text = http.StatusFailedDependency, "Failed"
	}
	s.Journal.Note(note)
	s.forget(q)
}

func (s *Service) forget(q *asyncRequest) {
	if err := s.Backlog.Store.Delete(asyncKind, q.ID); err != nil {
		s.Backlog.Log.Error("asynchronous request not forgotten", "endpoint", q.Endpoint, "error", err)
	}
}

// tell publishes how a request ended.
func (s *Service) tell(q *asyncRequest, a *Async, answer fleet.Answer, failure error) error {
	topic, inside := a.SuccessTopic, a.InSuccess
	said := map[string]any{}
	asked := map[string]any{"accept": q.Accept, "contentType": q.ContentType, "endpointName": q.Endpoint}
	if q.Input != "" {
		asked["inputLocation"] = q.Input
	}
	now := s.Backlog.Clock.Now().UTC().Format(notifyForm)
	n := map[string]any{"awsRegion": s.Region, "eventTime": now, "receivedTime": q.Received.Format(notifyForm), "invocationStatus": "Completed",
		"requestParameters": asked, "responseParameters": said, "inferenceId": q.InferenceID,
		"eventVersion": "1.0", "eventSource": "aws:sagemaker", "eventName": "InferenceResult"}
	if failure == nil {
		said["contentType"], said["outputLocation"] = answer.ContentType, q.Output
	} else {
		topic, inside = a.ErrorTopic, a.InError
		n["invocationStatus"], n["failureReason"] = "Failed", failure.Error()
		if q.Failure != "" {
			said["failureLocation"] = q.Failure
		}
	}
	if topic == "" {
		return nil
	}
	if inside && len(answer.Body) > 0 && len(answer.Body) <= maxInlineBytes {
		said["body"] = enclosed(answer.Body)
	}
	return s.publish(topic, n)
}

// enclosed is an answer in a notification: as text where it is one. What JSON would make
// much longer is no text: a notification has a limit.
func enclosed(body []byte) map[string]string {
	if text, _ := json.Marshal(string(body)); utf8.Valid(body) && len(text) <= maxInlineBytes*3/2 {
		return map[string]string{"content": string(body), "encoding": "UTF8"}
	}
	return map[string]string{"content": base64.StdEncoding.EncodeToString(body), "encoding": "BASE64"}
}

const notifyForm = "2006-01-02T15:04:05.000Z"

// Greet publishes the test message that AWS sends when an endpoint is made or changed.
func (s *Service) Greet(a *Async) {
	if a == nil || s.Backlog == nil {
		return
	}
	for _, topic := range slices.Compact([]string{a.SuccessTopic, a.ErrorTopic}) {
		if topic != "" {
			err := s.publish(topic, map[string]any{"awsRegion": s.Region, "eventTime": s.Backlog.Clock.Now().UTC().Format(notifyForm),
				"eventVersion": "1.0", "eventSource": "aws:sagemaker", "eventName": "TestNotification"})
			if err != nil {
				s.Backlog.Log.Warn("notification not published", "topic", topic, "error", err)
			}
		}
	}
}

func (s *Service) publish(topic string, n map[string]any) error {
	text, _ := json.Marshal(n) // texts always marshal
	return s.Backlog.Topics.Publish(topic, "", string(text))
}

// Drop forgets what waits for an endpoint that is deleted: another of its name is not asked for it.
func (s *Service) Drop(name string) error {
	b := s.Backlog
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.queues[name]
	if l == nil {
		return nil
	}
	var errs []error
	for _, q := range l.waiting {
		if q.taken != nil {
			q.taken()
		}
		errs = append(errs, b.Store.Delete(asyncKind, q.ID))
	}
	if n := len(l.waiting); n > 0 {
		s.Journal.Note(journal.Entry{Time: b.Clock.Now(), Kind: journal.State, Resource: "endpoint/" + name, Operation: "InvokeEndpointAsync", Text: fmt.Sprintf("Dropped %d that waited", n)})
	}
	l.waiting = nil
	return errors.Join(errs...)
}
