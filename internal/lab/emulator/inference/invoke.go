package inference

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"betimes/internal/lab/emulator/chance"
	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
)

// The headers of the runtime, in Go's canonical form.
const (
	customAttributes = "X-Amzn-Sagemaker-Custom-Attributes"
	targetVariant    = "X-Amzn-Sagemaker-Target-Variant"
	targetModel      = "X-Amzn-Sagemaker-Target-Model"
	targetComponent  = "X-Amzn-Sagemaker-Inference-Component"
	targetContainer  = "X-Amzn-Sagemaker-Target-Container-Hostname"
	sessionID        = "X-Amzn-Sagemaker-Session-Id"
	inferenceID      = "X-Amzn-Sagemaker-Inference-Id"
	prefixID         = "X-Amzn-Sagemaker-Prefix-Aware-Id"
	explanations     = "X-Amzn-Sagemaker-Enable-Explanations"
	invokedVariant   = "X-Amzn-Invoked-Production-Variant"
)

// buffers holds request bodies and room for answers between calls.
type buffers struct {
	in   bytes.Buffer
	out  []byte
	attr []byte

	chance chance.Draws

	stream *streaming // nil: the answer goes out whole
}

var pool = sync.Pool{New: func() any { return &buffers{} }}

// maxPooled keeps one huge request from staying in memory.
const maxPooled = 1 << 20

func (b *buffers) release() {
	b.stream = nil
	if b.in.Cap() <= maxPooled && cap(b.out) <= maxPooled {
		pool.Put(b)
	}
}

func (s *Service) invoke(w http.ResponseWriter, r *http.Request, name string, note *journal.Entry) *refusal {
	b := pool.Get().(*buffers)
	defer b.release()
	variant, answer, timing, fault, bad := s.answer(r, name, b, note)
	if bad != nil {
		return bad
	}
	b.write(w, variant.Name, answer, timing, fault)
	return nil
}

// answer checks a call and has an instance answer it.
func (s *Service) answer(r *http.Request, name string, b *buffers, note *journal.Entry) (variant *Variant, a fleet.Answer, t fleet.Timing, fault *injection.Fault, bad *refusal) {
	e, routing := s.serving(name)
	if routing == nil {
		return nil, a, t, nil, s.notFound(name)
	}
	if routing.Async != nil {
		return nil, a, t, nil, invalid("Endpoint %s of account %s is an asynchronous endpoint: use InvokeEndpointAsync.", name, s.Account)
	}
	if bad := checkHeaders(r.Header); bad != nil {
		return nil, a, t, nil, bad
	}
	note.Number = e.asked.Add(1)
	b.chance.Begin(s.Seed, e.salt, note.Number)
	if variant = routing.pick(first(r.Header, targetVariant), b.chance.For(chance.Route)); variant == nil {
		return nil, a, t, nil, invalid("Variant %s of endpoint %s not found.", first(r.Header, targetVariant), name)
	}
	note.Variant = variant.Name
	if bad := variant.checkTargets(r.Header); bad != nil {
		return nil, a, t, nil, bad
	}
	if bad := b.read(r, cmp.Or(s.MaxBody, maxBodyBytes)); bad != nil {
		return nil, a, t, nil, bad
	}
	if under := e.outstanding.Add(1); over(under, e.limit.Load()) || over(under, s.Throttle*routing.machines()) {
		e.outstanding.Add(-1)
		return nil, a, t, nil, throttled()
	}
	defer e.outstanding.Add(-1)
	a, t, fault, bad = s.askVariant(r, name, variant, b, note)
	variant.done(note.Time, t, bad)
	return variant, a, t, fault, bad
}

// over says whether so many calls are more than a limit; 0 is none.
func over(under, limit int64) bool { return limit > 0 && under > limit }

func (s *Service) notFound(name string) *refusal {
	return invalid("Endpoint %s of account %s not found.", name, s.Account)
}

// askVariant asks an instance of the variant, unless a fault comes before.
func (s *Service) askVariant(r *http.Request, name string, variant *Variant, b *buffers, note *journal.Entry) (a fleet.Answer, t fleet.Timing, fault *injection.Fault, bad *refusal) {
	instance := variant.instance(b.chance.For(chance.Route), variant.key(r.Header, b.in.Bytes()))
	if instance == nil {
		return a, t, nil, unavailable()
	}
	note.Instance = instance.Number
	if s.Faults.Any() {
		w := s.where(r.Header, name, note, b)
		w.Variant, w.Instance = variant.Name, instance.Number
		if fault = s.Faults.For(w); fault != nil {
			s.tellFault(fault, note)
			if bad := s.before(fault, name); bad != nil {
				return a, t, fault, bad
			}
		}
	}
	call := b.call(r.Header)
	call.Piece = b.pieces(variant.Name)
	s.shadow(name, variant.Shadow, call, &b.chance)
	call.Chance = b.chance.For(chance.Service)
	a, t, err := s.ask(r.Context(), instance, call, fault)
	note.Scripted = (a.Scripted + scripted(fault, a.Scripted)).Microseconds()
	return a, t, fault, s.failed(name, a, err)
}

// serving finds an endpoint that has traffic; names that are only asked for are not kept.
func (s *Service) serving(name string) (*endpoint, *Routing) {
	found, ok := s.endpoints.Load(name)
	if !ok {
		return nil, nil
	}
	e := found.(*endpoint)
	return e, e.routing.Load()
}

// ask invokes the instance. A caller who leaves does not stop the container: as
// on AWS the work goes on and the worker stays taken.
func (s *Service) ask(parent context.Context, i *fleet.Instance, call *fleet.Call, fault *injection.Fault) (fleet.Answer, fleet.Timing, error) {
	timeout := s.Timeout
	if timeout == 0 {
		if timeout = DefaultTimeout; call.Piece != nil {
			timeout = streamTimeout
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(parent), timeout)
	defer cancel()
	return i.Invoke(ctx, call, slower(fault))
}

// failed turns everything but a 2xx of the container into a ModelError.
func (s *Service) failed(name string, a fleet.Answer, err error) *refusal {
	var missing *fleet.Missing
	if err != nil {
		a.Status = 0
	}
	switch {
	case errors.Is(err, fleet.ErrNotReady):
		return unavailable()
	case errors.Is(err, fleet.ErrLoading):
		return notReady()
	case errors.As(err, &missing):
		return invalid("%s", missing.Text)
	case errors.Is(err, context.DeadlineExceeded):
		bad := s.modelFailed(name, a, fmt.Sprintf(timedOut, a.From()))
		bad.late = true
		return bad
	case err != nil:
		return s.modelFailed(name, a, err.Error())
	case a.Status < 200 || a.Status > 299:
		return s.modelFailed(name, a, string(a.Body))
	}
	return nil
}

func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// checkHeaders refuses what AWS refuses, and what is not built.
func checkHeaders(h http.Header) *refusal {
	if first(h, targetComponent) != "" {
		return invalid("%s is not supported by this endpoint.", targetComponent)
	}
	for _, name := range []string{sessionID, explanations} {
		if first(h, name) != "" {
			return invalid("%s is not built in this emulator yet; leave it out", name)
		}
	}
	attributes := first(h, customAttributes)
	if len(attributes) > 1024 {
		return invalid("1 validation error detected: Value at 'customAttributes' failed to satisfy constraint: Member must have length less than or equal to 1024")
	}
	id := first(h, inferenceID)
	if len(id) > 64 {
		return invalid("1 validation error detected: Value at 'inferenceId' failed to satisfy constraint: Member must have length less than or equal to 64")
	}
	for member, text := range map[string]string{"customAttributes": attributes, "inferenceId": id} {
		if !printable(text) {
			return invalid("1 validation error detected: Value at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: \\p{ASCII}*", member)
		}
	}
	return nil
}

func printable(text string) bool {
	for _, c := range []byte(text) {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}

// read takes the body in.
func (b *buffers) read(r *http.Request, most int64) *refusal {
	if r.ContentLength > most {
		return tooLarge(most)
	}
	b.in.Reset()
	if r.ContentLength > 0 {
		b.in.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	n, err := b.in.ReadFrom(io.LimitReader(r.Body, most+1))
	if err != nil {
		return invalid("The request body could not be read.")
	}
	if n > most {
		return tooLarge(most)
	}
	return nil
}

func tooLarge(most int64) *refusal {
	return invalid("1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length less than or equal to %d", most)
}

func (b *buffers) call(h http.Header) *fleet.Call {
	return &fleet.Call{
		ContentType: first(h, "Content-Type"), Accept: first(h, "Accept"),
		CustomAttributes: first(h, customAttributes),
		TargetModel:      first(h, targetModel), TargetContainer: first(h, targetContainer),
		Body: b.in.Bytes(), Out: b.out,
	}
}

// write answers; fault may cut the answer short.
func (b *buffers) write(w http.ResponseWriter, variant string, a fleet.Answer, t fleet.Timing, fault *injection.Fault) {
	h := w.Header()
	if a.ContentType != "" {
		h["Content-Type"] = []string{a.ContentType}
	}
	h[invokedVariant] = []string{variant}
	h[customAttributes] = []string{b.attributes(a.CustomAttributes, t)}
	if a.Status != http.StatusNoContent {
		h["Content-Length"] = []string{strconv.Itoa(len(a.Body))}
	}
	if fault != nil && cutShort(w, a, fault.Fault) {
		return
	}
	w.WriteHeader(a.Status)
	if a.Status != http.StatusNoContent {
		_, _ = w.Write(a.Body) // the caller may have gone
	}
	if cap(a.Body) > cap(b.out) && cap(a.Body) <= maxPooled && !sameMemory(a.Body, b.in.Bytes()) {
		b.out = a.Body[:0]
	}
}

// sameMemory says whether an answer is the request itself.
func sameMemory(a, b []byte) bool { return len(a) > 0 && len(b) > 0 && &a[0] == &b[0] }

// attributes are the container's own and, after them, q=<ms>;c=<ms>, unless it said that itself.
func (b *buffers) attributes(own string, t fleet.Timing) string {
	if strings.HasPrefix(own, "c=") || strings.Contains(own, ";c=") {
		return own
	}
	out := append(b.attr[:0], own...)
	if own != "" {
		out = append(out, ';')
	}
	out = append(out, "q="...)
	out = strconv.AppendFloat(out, milliseconds(t.Queue), 'f', 3, 64)
	out = append(out, ";c="...)
	out = strconv.AppendFloat(out, milliseconds(t.Compute), 'f', 3, 64)
	b.attr = out
	return string(out)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
