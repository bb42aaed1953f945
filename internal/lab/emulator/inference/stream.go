package inference

import (
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
	if len(answer.Body) > 0 {
		_ = b.stream.part(answer.Body) // the caller may have gone
	}
	return nil
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

// broken ends a stream with the exception in band.
func (s *streaming) broken(bad *refusal) {
	code := "StreamBroken"
	if bad.late {
		code = "ModelInvocationTimeExceeded"
	}
	var said struct{ OriginalMessage, Message string }
	_ = json.Unmarshal(bad.body, &said)                                                            // our own
	text, _ := json.Marshal(map[string]string{"Message": said.OriginalMessage, "ErrorCode": code}) // texts always marshal
	_ = s.send(wire.Frame{Payload: text, Headers: []wire.FrameHeader{
		{Name: ":message-type", Value: "exception"}, {Name: ":exception-type", Value: "ModelStreamError"}, {Name: ":content-type", Value: "application/json"}}}) // the caller may have gone
}
