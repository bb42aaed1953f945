package inference

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
	"betimes/internal/sagemaker/wire"
)

// streams is the operation whose answer is an event stream.
const streams = "InvokeEndpointWithResponseStream"

// streamTimeout is how long AWS lets a container stream.
const streamTimeout = 8 * time.Minute

// The headers of a stream that are not those of a whole answer.
const (
	streamAccept      = "X-Amzn-Sagemaker-Accept"
	streamContentType = "X-Amzn-Sagemaker-Content-Type"
)

// streaming writes frames as pieces come. One goroutine uses it.
type streaming struct {
	w     http.ResponseWriter
	begun bool
	frame []byte
	out   *http.ResponseController
}

// pieces gives what takes the pieces of an answer; nil when it goes out whole.
func (b *buffers) pieces(variant string) func(*fleet.Answer, []byte) error {
	if b.stream == nil {
		return nil
	}
	return func(head *fleet.Answer, piece []byte) error {
		b.stream.begin(variant, head)
		return b.stream.part(piece)
	}
}

// stream is InvokeEndpointWithResponseStream.
func (s *Service) stream(w http.ResponseWriter, r *http.Request, name string, note *journal.Entry) *refusal {
	r.Header["Accept"] = r.Header[streamAccept]
	b := pool.Get().(*buffers)
	defer b.release()
	b.stream = &streaming{w: w, out: http.NewResponseController(w)}
	variant, answer, _, fault, bad := s.answer(r, name, b, note)
	if bad != nil && !b.stream.begun {
		return bad
	}
	if bad != nil {
		note.Error = "ModelStreamError"
		b.stream.broken(bad)
		return nil
	}
	b.stream.begin(variant.Name, &answer)
	if fault != nil && (fault.Fault == injection.Reset || fault.Fault == injection.Truncate) {
		_ = b.stream.part(answer.Body[:len(answer.Body)/2])
		cut(w, fault.Fault)
		return nil
	}
	if fault != nil && (fault.Fault == injection.StreamError || fault.Fault == injection.StreamFailure) {
		_ = b.stream.part(answer.Body[:len(answer.Body)/2])
		note.Error = b.stream.fail(fault)
		return nil
	}
	if len(answer.Body) > 0 {
		_ = b.stream.part(answer.Body) // the caller may have gone
	}
	return nil
}

// fail ends a stream as a fault wants it and gives the name of the exception.
func (s *streaming) fail(f *injection.Fault) string {
	if f.Fault == injection.StreamFailure {
		s.exception("InternalStreamFailure", map[string]string{"Message": cmp.Or(f.Body, "An internal failure occurred.")})
		return "InternalStreamFailure"
	}
	s.exception("ModelStreamError", map[string]string{"Message": cmp.Or(f.Body, "The stream of the model was broken."), "ErrorCode": cmp.Or(f.Code, injection.StreamBroken)})
	return "ModelStreamError"
}

// begin sends the headers, once.
func (s *streaming) begin(variant string, head *fleet.Answer) {
	if s.begun {
		return
	}
	s.begun = true
	h := s.w.Header()
	h["Content-Type"] = []string{"application/vnd.amazon.eventstream"}
	h[invokedVariant] = []string{variant}
	if head.ContentType != "" {
		h[streamContentType] = []string{head.ContentType}
	}
	if head.CustomAttributes != "" {
		h[customAttributes] = []string{head.CustomAttributes}
	}
	s.w.WriteHeader(http.StatusOK)
}

// maxPartBytes keeps frames well below what clients take.
const maxPartBytes = 1 << 20

// part sends bytes of the answer.
func (s *streaming) part(piece []byte) error {
	for len(piece) > 0 {
		n := min(len(piece), maxPartBytes)
		err := s.send(wire.Frame{Payload: piece[:n], Headers: []wire.FrameHeader{
			{Name: ":message-type", Value: "event"}, {Name: ":event-type", Value: "PayloadPart"}, {Name: ":content-type", Value: "application/octet-stream"}}})
		if err != nil {
			return err
		}
		piece = piece[n:]
	}
	return nil
}

func (s *streaming) send(f wire.Frame) error {
	s.frame = wire.AppendFrame(s.frame[:0], f)
	if _, err := s.w.Write(s.frame); err != nil {
		return fmt.Errorf("the caller has gone: %w", err)
	}
	return s.out.Flush()
}

// broken ends a stream whose container has failed.
func (s *streaming) broken(bad *refusal) {
	code := injection.StreamBroken
	if bad.late {
		code = injection.StreamTimeExceeded
	}
	var said struct{ OriginalMessage, Message string }
	_ = json.Unmarshal(bad.body, &said) // our own
	s.exception("ModelStreamError", map[string]string{"Message": said.OriginalMessage, "ErrorCode": code})
}

// exception is an error in band.
func (s *streaming) exception(name string, members map[string]string) {
	text, _ := json.Marshal(members) // texts always marshal
	_ = s.send(wire.Frame{Payload: text, Headers: []wire.FrameHeader{
		{Name: ":message-type", Value: "exception"}, {Name: ":exception-type", Value: name}, {Name: ":content-type", Value: "application/json"}}}) // the caller may have gone
}
