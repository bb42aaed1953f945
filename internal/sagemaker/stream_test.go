package sagemaker

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
	"betimes/internal/model/modeltest"
	"betimes/internal/sagemaker/wire"
)

func part(payload []byte) wire.Frame {
	return wire.Frame{Payload: payload, Headers: []wire.FrameHeader{
		{Name: ":message-type", Value: "event"}, {Name: ":event-type", Value: "PayloadPart"}, {Name: ":content-type", Value: "application/octet-stream"}}}
}

func exception(name, payload string) wire.Frame {
	return wire.Frame{Payload: []byte(payload), Headers: []wire.FrameHeader{{Name: ":message-type", Value: "exception"}, {Name: ":exception-type", Value: name}}}
}

// serveStream answers in two frames, and too much in frames without an end.
func serveStream(w http.ResponseWriter, b modeltest.Behaviour, body []byte) {
	if _, fails := failures()[b.Fail]; fails || b.Fail == model.ClassConnection || b.Refuses(body) {
		serve(w, b, body)
		return
	}
	w.Header().Set("Content-Type", eventStream)
	w.Header().Set(headerStreamType, "text/csv")
	answer := b.Answer(body)
	parts := [][]byte{answer[:len(answer)/2], answer[len(answer)/2:]}
	if b.Oversize {
		parts = make([][]byte, exchange.MaxAnswerBytes>>20+1)
		for i := range parts {
			parts[i] = make([]byte, 1<<20)
		}
	}
	for _, p := range parts {
		if _, err := w.Write(wire.AppendFrame(nil, part(p))); err != nil {
			return
		}
	}
}

func TestAStreamingEndpointPassesTheExercise(t *testing.T) {
	classes := []model.Class{model.ClassConnection}
	for c := range failures() {
		classes = append(classes, c)
	}
	modeltest.Exercise(t, func(t *testing.T, b modeltest.Behaviour) model.Invoker {
		c := fraudFor(b)
		c.Stream = true
		return endpoint(t, account(t, runtimeOf(t, "invocations-response-stream", b, serveStream)), c)
	}, classes...)
}

func TestAStreamIsAskedWithHeadersOfItsOwn(t *testing.T) {
	got := make(chan http.Header, 1)
	c := fraud()
	c.Stream = true
	e := answering(t, c, func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header
		w.Header().Set("Content-Type", eventStream)
		w.Header().Set(headerStreamType, "application/json")
		w.Header().Set("x-Amzn-Invoked-Production-Variant", "Small")
		_, _ = w.Write(wire.AppendFrame(nil, part([]byte("{}"))))
	})
	r := one("1,2")
	r.Accept = "application/json"
	resp, err := e.Invoke(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if h := <-got; h.Get(headerStreamAccept) != "application/json" || h.Get("Accept") != "" || h.Get("Content-Type") != "text/csv" {
		t.Errorf("sent %v", h)
	}
	if resp.ContentType != "application/json" || resp.Variant != "Small" || string(resp.Answers[0].Body) != "{}" {
		t.Errorf("got %+v", resp)
	}
}

func TestErrorsInAStreamAreClassified(t *testing.T) {
	bad := wire.AppendFrame(nil, part([]byte("1")))
	bad[len(bad)-1] ^= 1
	raw := func(frames ...wire.Frame) []byte {
		buf := wire.AppendFrame(nil, part([]byte("half")))
		for _, f := range frames {
			buf = wire.AppendFrame(buf, f)
		}
		return buf
	}
	refused := wire.Frame{Headers: []wire.FrameHeader{{Name: ":message-type", Value: "error"}, {Name: ":error-code", Value: "ThrottlingException"}, {Name: ":error-message", Value: "slow down"}}}
	whole := raw(part([]byte("other half")))
	for _, tt := range []struct {
		name string
		body []byte
		want model.Class
		says string
	}{
		{"the model took too long", raw(exception("ModelStreamError", `{"Message":"boom","ErrorCode":"ModelInvocationTimeExceeded"}`)), model.ClassTimeout, "boom"},
		{"the model broke off", raw(exception("ModelStreamError", `{"Message":"gone","ErrorCode":"StreamBroken"}`)), model.ClassModelFault, "StreamBroken gone"},
		{"the model failed without a word", raw(exception("ModelStreamError", ``)), model.ClassModelFault, "ModelStreamError"},
		{"the service failed", raw(exception("InternalStreamFailure", `{"Message":"x"}`)), model.ClassUnavailable, "InternalStreamFailure"},
		{"an exception that is new", raw(exception("SomethingElse", `{}`)), model.ClassUnavailable, "SomethingElse"},
		{"an error that is none of the model's", raw(refused), model.ClassThrottled, "slow down"},
		{"a frame with a wrong checksum", bad, model.ClassBadOutput, "checksum"},
		{"something that has no frames", []byte("<html>this is a page of a proxy</html>"), model.ClassBadOutput, "event stream"},
		{"the end in the middle of a frame", whole[:len(whole)-3], model.ClassConnection, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := fraud()
			c.Stream = true
			e := answering(t, c, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", eventStream)
				_, _ = w.Write(tt.body)
			})
			_, err := e.Invoke(t.Context(), one("1"))
			if model.ClassOf(err) != tt.want || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "fraud") {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestAStreamThatStopsBetweenFramesIsNoAnswer(t *testing.T) {
	c := fraud()
	c.Stream = true
	e := answering(t, c, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", eventStream)
		_, _ = w.Write(wire.AppendFrame(nil, part([]byte("half"))))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	if _, err := e.Invoke(t.Context(), one("1")); model.ClassOf(err) != model.ClassConnection {
		t.Errorf("got %v", err)
	}
}

func TestEventsOfAKindThatIsNewAreNoPartOfTheAnswer(t *testing.T) {
	buf := wire.AppendFrame(nil, part([]byte("a")))
	buf = wire.AppendFrame(buf, wire.Frame{Payload: []byte("?"), Headers: []wire.FrameHeader{{Name: ":message-type", Value: "event"}, {Name: ":event-type", Value: "Progress"}}})
	buf = wire.AppendFrame(buf, part([]byte("b")))
	if got, err := unframe(bytes.NewReader(buf)); err != nil || string(got) != "ab" {
		t.Errorf("got %q, %v", got, err)
	}
}

func FuzzUnframe(f *testing.F) {
	f.Add(wire.AppendFrame(nil, part([]byte("a"))))
	f.Add(wire.AppendFrame(nil, exception("ModelStreamError", `{"ErrorCode":"StreamBroken"}`)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := unframe(bytes.NewReader(raw))
		if err == nil && len(got) > len(raw) {
			t.Errorf("%d bytes of %d", len(got), len(raw))
		}
		if err != nil && model.ClassOf(err) == model.ClassUnknown && err != io.ErrUnexpectedEOF {
			t.Errorf("not classified: %v", err)
		}
	})
}
