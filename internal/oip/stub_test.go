package oip

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
	"betimes/internal/model/modeltest"
)

// statuses are how an HTTP server says a class; connection is said by hanging up.
func statuses() map[model.Class]int {
	return map[model.Class]int{
		model.ClassThrottled: 429, model.ClassNotReady: 425, model.ClassUnavailable: 503, model.ClassTimeout: 504,
		model.ClassModelFault: 500, model.ClassBadInput: 422, model.ClassTooLarge: 413, model.ClassNotFound: 404, model.ClassDenied: 401,
	}
}

func refusals() map[model.Class]error {
	return map[model.Class]error{
		model.ClassThrottled:   status.Error(codes.ResourceExhausted, "queue is full"),
		model.ClassUnavailable: status.Error(codes.Unavailable, "shutting down"),
		model.ClassTimeout:     status.Error(codes.DeadlineExceeded, "too late"),
		model.ClassModelFault:  status.Error(codes.Internal, "boom"),
		model.ClassBadInput:    status.Error(codes.InvalidArgument, "shape"),
		model.ClassTooLarge:    status.Error(codes.ResourceExhausted, "Received message larger than max (9 vs. 4)"),
		model.ClassNotFound:    status.Error(codes.NotFound, "no such model"),
		model.ClassDenied:      status.Error(codes.PermissionDenied, "no"),
	}
}

// stub is a server with one model m of a Behaviour. Its input and output are texts,
// any number per event; the behaviour sees them as lines of csv.
type stub struct {
	modeltest.Behaviour
	binary bool
	calls  atomic.Int32
	heads  chan http.Header // when set, gets the headers of each infer
}

// hang waits for the end of a call that is not to be answered.
func (s *stub) hang(ctx context.Context) bool {
	if int(s.calls.Add(1)) > s.HangFor {
		return false
	}
	if s.Reached != nil {
		s.Reached <- struct{}{}
	}
	<-ctx.Done()
	return true
}

// answer is the output to an input.
func (s *stub) answer(t testing.TB, in tensor) tensor {
	<-time.After(s.Delay)
	if err := in.check(); err != nil {
		t.Errorf("the input: %v", err)
	}
	var lines []byte
	for i, rest := 0, in.data; i < int(in.shape[0]); i++ {
		var row tensor
		row, rest = in.part(i, rest)
		lines, _ = appendLine(append(lines, "\n"[:min(i, 1)]...), []tensor{row})
	}
	out := tensor{name: "y", datatype: typeBytes, shape: []int64{0, 0}}
	for line := range bytes.Lines(s.Answer(lines)) {
		cells := bytes.Split(bytes.TrimSpace(line), []byte(","))
		out.shape[0]++
		out.shape[1] = int64(len(cells))
		for _, c := range cells {
			out.data = appendText(out.data, c)
		}
	}
	return out
}

func (s *stub) ServeHTTP(t testing.TB, w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /v2":
		_, _ = io.WriteString(w, `{"name":"stub","extensions":["binary_tensor_data"]}`)
	case "GET /v2/models/m":
		_, _ = io.WriteString(w, `{"name":"m","platform":"stub","inputs":[{"name":"x","datatype":"BYTES","shape":[-1,-1]}],"outputs":[{"name":"y","datatype":"BYTES","shape":[-1,-1]}]}`)
	case "GET /v2/models/m/ready":
	case "POST /v2/models/m/infer":
		s.infer(t, w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *stub) infer(t testing.TB, w http.ResponseWriter, r *http.Request) {
	if s.heads != nil {
		s.heads <- r.Header
	}
	body, _ := io.ReadAll(r.Body)
	switch {
	case s.hang(r.Context()):
	case s.Fail == model.ClassConnection:
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
	case s.Refuses(body):
		http.Error(w, `{"error":"no"}`, statuses()[model.ClassBadInput])
	case s.Fail != model.ClassUnknown:
		http.Error(w, `{"error":"no"}`, statuses()[s.Fail])
	case s.Oversize:
		large := make([]byte, 1<<20)
		for range exchange.MaxAnswerBytes>>20 + 1 {
			if _, err := w.Write(large); err != nil {
				return
			}
		}
	default:
		in, id := readRequest(t, r.Header, body)
		s.reply(w, id, s.answer(t, in))
	}
}

func readRequest(t testing.TB, h http.Header, body []byte) (tensor, string) {
	head, rest := body, []byte(nil)
	if text := h.Get(binaryHeader); text != "" {
		n, _ := strconv.Atoi(text)
		head, rest = body[:n], body[n:]
	}
	var q struct {
		ID     string
		Inputs []written
	}
	if err := json.Unmarshal(head, &q); err != nil {
		t.Errorf("the request is not JSON: %v", err)
	}
	in, rest, err := readOutputOf(&q.Inputs[0], rest)
	if err != nil || len(rest) > 0 {
		t.Errorf("the request: %v, %d bytes left", err, len(rest))
	}
	return in, q.ID
}

func (s *stub) reply(w http.ResponseWriter, id string, out tensor) {
	b := append(appendQuoted([]byte(`{"model_name":"m","model_version":"3","id":`), id), `,"outputs":[`...)
	b, err := appendInput(b, &out, s.binary)
	if err != nil {
		http.Error(w, err.Error(), 500)
		return
	}
	b = append(b, "]}"...)
	if s.binary {
		w.Header().Set(binaryHeader, strconv.Itoa(len(b)))
		b = append(b, out.data...)
	}
	_, _ = w.Write(b)
}

// startHTTP starts a stub and gives the configuration of an endpoint there.
func startHTTP(t testing.TB, s *stub) Config {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(t, w, r) }))
	t.Cleanup(server.Close)
	c := DefaultConfig()
	c.URL, c.Model = server.URL, "m"
	if s.binary {
		c.Binary = binaryOn
	} else {
		c.Binary = binaryOff
	}
	return c
}

// asked is a ModelInferRequest as the server reads it.
type asked struct {
	id    string
	input tensor
}

func (a *asked) read(b []byte) error {
	return fields(b, func(n protowire.Number, kind protowire.Type, value []byte) int {
		v, used := bytesOf(kind, value)
		switch n {
		case 3:
			a.id = string(v)
		case 5:
			a.input, _ = readOutput(v) // the fields of both have the same numbers
		case 7:
			a.input.data = v
		}
		return used
	})
}

// told is what the server writes.
type told []byte

func (m told) append(b []byte) []byte { return append(b, m...) }
func (m told) size() int              { return len(m) }

func tellOutput(id string, out tensor, raw bool) told {
	q := &question{raw: raw}
	b := appendName(appendName(nil, 2, "3"), 3, id)
	b = appendMessage(b, 5, q.appendInput(nil, &out))
	if raw {
		b = appendMessage(b, 6, out.data)
	}
	return b
}

func (s *stub) inferred(t testing.TB, ctx context.Context, a *asked) (told, error) {
	switch {
	case s.hang(ctx):
		return nil, ctx.Err()
	case s.Refuses(a.input.data):
		return nil, refusals()[model.ClassBadInput]
	case s.Fail != model.ClassUnknown:
		return nil, refusals()[s.Fail]
	case s.Oversize:
		return appendMessage(nil, 6, make([]byte, exchange.MaxAnswerBytes)), nil
	}
	return tellOutput(a.id, s.answer(t, a.input), s.binary), nil
}

// method makes one method of the service.
func method(name string, answer func(ctx context.Context, a *asked) (told, error)) grpc.MethodDesc {
	return grpc.MethodDesc{MethodName: name, Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		a := &asked{}
		if err := decode(a); err != nil {
			return nil, err
		}
		return answer(ctx, a)
	}}
}

func (s *stub) service(t testing.TB) *grpc.ServiceDesc {
	described := appendMessage(nil, 3, protowire.AppendVarint(protowire.AppendVarint(nil, ^uint64(0)), ^uint64(0)))
	described = appendName(appendName(described, 1, "x"), 2, "BYTES")
	return &grpc.ServiceDesc{ServiceName: strings.Trim(service, "/"), HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{
		method("ModelReady", func(context.Context, *asked) (told, error) { return told{0x08, 0x01}, nil }),
		method("ModelMetadata", func(context.Context, *asked) (told, error) { return appendMessage(nil, 4, described), nil }),
		method("ModelInfer", func(ctx context.Context, a *asked) (told, error) { return s.inferred(t, ctx, a) }),
	}}
}

// startGRPC starts a stub and gives the configuration of an endpoint there.
func startGRPC(t testing.TB, s *stub) Config {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := DefaultConfig()
	c.URL, c.Model = "grpc://"+listener.Addr().String(), "m"
	if !s.binary {
		c.Binary = binaryOff
	}
	if s.Fail == model.ClassConnection {
		go hangUp(listener)
		t.Cleanup(func() { listener.Close() })
		return c
	}
	serve(t, listener, s.service(t))
	return c
}

// serve lets a service be asked over gRPC.
func serve(t testing.TB, listener net.Listener, service *grpc.ServiceDesc) {
	server := grpc.NewServer(grpc.ForceServerCodecV2(codec{}), grpc.MaxRecvMsgSize(64<<20))
	server.RegisterService(service, nil)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
}

// hangUp takes connections and ends them.
func hangUp(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_ = conn.Close()
	}
}

func endpoint(t *testing.T, c Config) *Endpoint {
	t.Helper()
	e, err := New(c, Deps{Name: "stub"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func TestAnEndpointPassesTheExercise(t *testing.T) {
	overHTTP, overGRPC := []model.Class{model.ClassConnection}, []model.Class{model.ClassConnection}
	for c := range statuses() {
		overHTTP = append(overHTTP, c)
	}
	for c := range refusals() {
		overGRPC = append(overGRPC, c)
	}
	for name, tt := range map[string]struct {
		start   func(testing.TB, *stub) Config
		binary  bool
		classes []model.Class
	}{
		"over HTTP, tensors as JSON":  {startHTTP, false, overHTTP},
		"over HTTP, tensors as bytes": {startHTTP, true, overHTTP},
		"over gRPC, tensors as lists": {startGRPC, false, overGRPC},
		"over gRPC, tensors as bytes": {startGRPC, true, overGRPC},
	} {
		t.Run(name, func(t *testing.T) {
			modeltest.Exercise(t, func(t *testing.T, b modeltest.Behaviour) model.Invoker {
				c := tt.start(t, &stub{Behaviour: b, binary: tt.binary})
				if b.Calls > 0 {
					c.Connections = b.Calls
				}
				return endpoint(t, c)
			}, tt.classes...)
		})
	}
}

func replyOf(body []byte, length string) exchange.Reply {
	h := http.Header{}
	if length != "" {
		h.Set(binaryHeader, length)
	}
	return exchange.Reply{Status: 200, Header: h, Body: body}
}
