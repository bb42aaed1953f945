package inference

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"betimes/internal/lab/emulator/chance"
	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
	"betimes/internal/lab/emulator/objects"
	"betimes/internal/lab/emulator/reply"
	"betimes/internal/lab/emulator/store"
)

// Async says where the answers of an asynchronous endpoint go.
type Async struct {
	OutputPath, FailurePath  string // s3://bucket/prefix; FailurePath may be empty
	PerInstance              int    // calls at once; 0: DefaultPerInstance
	SuccessTopic, ErrorTopic string
	InSuccess, InError       bool // notifications hold the answer
}

// DefaultPerInstance is ours: AWS does not say what it chooses.
const DefaultPerInstance = 4

// Topics is where notifications go.
type Topics interface {
	Publish(arn, subject, message string) error
}

// Backlog is what the requests of asynchronous endpoints need.
type Backlog struct {
	Clock   *clock.Clock
	Store   *store.Store
	Buckets *objects.Buckets
	Topics  Topics
	Measure func(Waiting)    // called once a minute per asynchronous endpoint
	Record  func(...Measure) // called once per request that has ended
	Log     *slog.Logger

	mu      sync.Mutex
	queues  map[string]*backlog // by endpoint
	open    context.Context
	end     context.CancelFunc
	working sync.WaitGroup
}

// backlog is the requests of one endpoint, in the order in which they came.
type backlog struct {
	waiting []*asyncRequest
	running int
	looking bool // instances are looked at again soon
}

// asyncRequest is one request, as it is kept.
type asyncRequest struct {
	ID          string        `json:"id"` // of the object; InferenceID may be the caller's own
	Endpoint    string        `json:"endpoint"`
	Number      uint64        `json:"number"` // of the request at the endpoint
	InferenceID string        `json:"inference_id"`
	Input       string        `json:"input,omitempty"` // s3://…
	Body        []byte        `json:"body,omitempty"`
	ContentType string        `json:"content_type,omitempty"`
	Accept      string        `json:"accept,omitempty"`
	Attributes  string        `json:"attributes,omitempty"`
	Received    time.Time     `json:"received"`
	Expires     time.Time     `json:"expires"`
	Timeout     time.Duration `json:"timeout"`
	Output      string        `json:"output"`
	Failure     string        `json:"failure,omitempty"`

	taken    func() // ends the wait for its expiry
	variant  string // that was asked
	measures []Measure
}

const asyncKind = "async-request"

// maxInlineBytes is the limit of a body in the request.
const maxInlineBytes = 128_000

// The headers of an asynchronous request and its answer.
const (
	asyncPrefix     = "X-Amzn-Sagemaker-"
	inputLocation   = asyncPrefix + "Inputlocation"
	requestTTL      = asyncPrefix + "Requestttlseconds"
	invocationLimit = asyncPrefix + "Invocationtimeoutseconds"
	outputExtension = asyncPrefix + "S3outputpathextension"
	outputName      = asyncPrefix + "Filename"
)

var (
	objectURL     = regexp.MustCompile(`^(https|s3)://([^/]+)/?(.*)$`)
	extensionForm = regexp.MustCompile(`^[a-zA-Z0-9!_.*'()/-]+$`)
	fileName      = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)
)

// accept is InvokeEndpointAsync: the request is kept before the answer.
func (s *Service) accept(w http.ResponseWriter, r *http.Request, name string, note *journal.Entry) *refusal {
	e, routing := s.serving(name)
	if routing == nil {
		return s.notFound(name)
	}
	if routing.Async == nil {
		return invalid("Endpoint %s of account %s is not an asynchronous endpoint: its config has no AsyncInferenceConfig.", name, s.Account)
	}
	if bad := checkHeaders(r.Header); bad != nil {
		return bad
	}
	b := pool.Get().(*buffers)
	defer b.release()
	q, bad := s.asyncRequest(r, name, routing.Async, b)
	if bad != nil {
		return bad
	}
	q.Number = e.asked.Add(1)
	note.Number = q.Number
	fault := s.faultOfSubmission(q, e, note)
	if fault != nil {
		if bad := s.before(fault, name); bad != nil {
			return bad
		}
	}
	if err := s.Backlog.add(q); err != nil {
		s.Backlog.Log.Error("asynchronous request not kept", "endpoint", name, "error", err)
		return internal()
	}
	s.dispatch(name)
	h := w.Header()
	h["X-Amzn-Sagemaker-Outputlocation"] = []string{q.Output}
	if q.Failure != "" {
		h["X-Amzn-Sagemaker-Failurelocation"] = []string{q.Failure}
	}
	h["Content-Type"] = []string{"application/json"}
	note.Status = http.StatusAccepted
	answer := object("InferenceId", q.InferenceID)
	h["Content-Length"] = []string{strconv.Itoa(len(answer))}
	if fault != nil && cutShort(w, fleet.Answer{Status: note.Status, Body: answer}, fault.Fault) {
		return nil
	}
	w.WriteHeader(note.Status)
	_, _ = w.Write(answer) // the caller may have gone
	return nil
}

// faultOfSubmission finds the fault that hits q before or while it is answered.
func (s *Service) faultOfSubmission(q *asyncRequest, e *endpoint, note *journal.Entry) *injection.Fault {
	if !s.Faults.Any() {
		return nil
	}
	var draws chance.Draws
	draws.Begin(s.Seed, e.salt, q.Number)
	f := s.Faults.Of(s.whereAsync(q, draws.For(chance.Fault)), injection.Submission...)
	if f != nil {
		s.tellFault(f, note)
	}
	return f
}

// whereAsync is what faults can match of an asynchronous request; its body is the one that was sent.
func (s *Service) whereAsync(q *asyncRequest, drawn *rand.Rand) injection.Where {
	return injection.Where{
		Operation: injection.InvokeAsync, Endpoint: q.Endpoint, Region: s.Region, Account: s.Account, InferenceID: q.InferenceID, Body: q.Body, Chance: drawn,
	}
}

// asyncRequest reads and checks a request.
func (s *Service) asyncRequest(r *http.Request, name string, a *Async, b *buffers) (*asyncRequest, *refusal) {
	if bad := b.read(r, maxInlineBytes); bad != nil {
		return nil, bad
	}
	h := r.Header
	q := &asyncRequest{ID: reply.ID(), Endpoint: name, Input: first(h, inputLocation), Body: slices.Clone(b.in.Bytes()),
		ContentType: first(h, streamContentType), Accept: first(h, streamAccept), Attributes: first(h, customAttributes), Received: s.Backlog.Clock.Now().UTC()}
	q.InferenceID = cmp.Or(first(h, inferenceID), reply.ID())
	if (q.Input == "") == (len(q.Body) == 0) {
		return nil, invalid("Give either InputLocation or Body.")
	}
	if q.Input != "" && (len(q.Input) > 1024 || !objectURL.MatchString(q.Input)) {
		return nil, invalid("1 validation error detected: Value '%s' at 'inputLocation' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", q.Input, objectURL)
	}
	ttl, bad := seconds(h, requestTTL, "requestTTLSeconds", [3]int{21600, 60, 21600})
	if bad != nil {
		return nil, bad
	}
	q.Expires = q.Received.Add(ttl)
	if q.Timeout, bad = seconds(h, invocationLimit, "invocationTimeoutSeconds", [3]int{900, 1, 3600}); bad != nil {
		return nil, bad
	}
	return q, q.locate(h, a)
}

// locate says where the answer goes.
func (q *asyncRequest) locate(h http.Header, a *Async) *refusal {
	extension, file := first(h, outputExtension), first(h, outputName)
	if extension != "" && (len(extension) > 512 || !extensionForm.MatchString(extension)) {
		return invalid("1 validation error detected: Value '%s' at 's3OutputPathExtension' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", extension, extensionForm)
	}
	if file != "" && (len(file) > 32 || strings.Count(file, ".") > 1 || !fileName.MatchString(file)) {
		return invalid("1 validation error detected: Value '%s' at 'filename' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", file, fileName)
	}
	at := func(base, end string) string {
		parts := []string{strings.TrimSuffix(base, "/")}
		if extension != "" {
			parts = append(parts, strings.Trim(extension, "/"))
		}
		return strings.Join(append(parts, end), "/")
	}
	q.Output = at(a.OutputPath, cmp.Or(file, q.ID+".out"))
	if a.FailurePath != "" {
		q.Failure = at(a.FailurePath, q.ID+"-error.out")
	}
	return nil
}

// seconds reads a header that is a number of seconds: standard, least, most.
func seconds(h http.Header, header, member string, bounds [3]int) (time.Duration, *refusal) {
	text := first(h, header)
	if text == "" {
		return time.Duration(bounds[0]) * time.Second, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < bounds[1] || n > bounds[2] {
		return 0, invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must have value between %d and %d", text, member, bounds[1], bounds[2])
	}
	return time.Duration(n) * time.Second, nil
}

// add keeps a request and puts it at the end.
func (b *Backlog) add(q *asyncRequest) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.Store.Put(asyncKind, q.ID, q); err != nil {
		return err
	}
	b.queue(q.Endpoint).waiting = append(b.queue(q.Endpoint).waiting, q)
	return nil
}

func (b *Backlog) queue(endpoint string) *backlog {
	if b.queues == nil {
		b.queues = map[string]*backlog{}
	}
	if b.queues[endpoint] == nil {
		b.queues[endpoint] = &backlog{}
	}
	return b.queues[endpoint]
}

// read takes an object whole.
func (b *Backlog) read(location string) ([]byte, error) {
	bucket, key, err := s3(location)
	if err != nil {
		return nil, err
	}
	body, about, err := b.Buckets.Read(bucket, key)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if about.Size > fleet.MaxAsyncBytes {
		return nil, fmt.Errorf("it has %d bytes, more than the %d of an asynchronous request", about.Size, int64(fleet.MaxAsyncBytes))
	}
	return io.ReadAll(body)
}

// write puts an object.
func (b *Backlog) write(location, contentType string, content io.Reader) error {
	bucket, key, err := s3(location)
	if err != nil {
		return err
	}
	info := objects.Info{Key: key}
	if contentType != "" {
		info.Headers = map[string]string{"Content-Type": contentType}
	}
	_, err = b.Buckets.Put(bucket, info, content)
	return err
}

func s3(location string) (bucket, key string, err error) {
	rest, ok := strings.CutPrefix(location, "s3://")
	bucket, key, _ = strings.Cut(rest, "/")
	if !ok || key == "" {
		return "", "", fmt.Errorf("%s is not s3://BUCKET/KEY", location)
	}
	return bucket, key, nil
}
