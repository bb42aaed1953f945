package oip

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
)

const service = "/inference.GRPCInferenceService/"

// dialTimeout and the pauses between dials: a server that was away is found again
// within a second.
const (
	dialTimeout = 2 * time.Second
	firstPause  = 100 * time.Millisecond
	lastPause   = time.Second
	window      = 1 << 20 // bytes of an answer that nobody has read
)

// overGRPC speaks the protocol's gRPC form, over one connection.
type overGRPC struct {
	config  Config
	name    string // of the endpoint
	headers *exchange.Headers
	conn    *grpc.ClientConn
	sizes   sizes
}

func newGRPC(c Config, name string, dialled func(), room *exchange.Room) (*overGRPC, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	headers, err := exchange.NewHeaders(c.Headers)
	if err != nil {
		return nil, err
	}
	if room == nil {
		room = exchange.OwnRoom()
	}
	trust := insecure.NewCredentials()
	if u.Scheme == "grpcs" {
		authority, err := exchange.Authority(c.CA)
		if err != nil {
			return nil, err
		}
		if authority == nil {
			authority = &tls.Config{}
		}
		authority.ServerName = u.Hostname()
		trust = credentials.NewTLS(authority)
	}
	conn, err := grpc.NewClient("passthrough:///"+u.Host, options(trust, dialled)...)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	return &overGRPC{config: c, name: name, headers: headers, conn: conn, sizes: sizes{room: room}}, nil
}

// options: one attempt, no proxy, nothing that DNS could configure.
func options(trust credentials.TransportCredentials, dialled func()) []grpc.DialOption {
	pauses := backoff.Config{BaseDelay: firstPause, Multiplier: 1.6, Jitter: 0.2, MaxDelay: lastPause}
	return []grpc.DialOption{
		grpc.WithTransportCredentials(trust), grpc.WithUserAgent("betimes"),
		grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(), grpc.WithNoProxy(), grpc.WithIdleTimeout(0),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: pauses, MinConnectTimeout: dialTimeout}),
		grpc.WithInitialWindowSize(window), grpc.WithInitialConnWindowSize(window),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext(ctx, "tcp", address)
			if err == nil {
				dialled()
			}
			return conn, err
		}),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(codec{})),
	}
}

func (g *overGRPC) close() { _ = g.conn.Close() }

// message is what is sent; answer is what is read.
type (
	message interface {
		append([]byte) []byte
		size() int
	}
	answer interface{ read([]byte) error }
)

// codec lets messages write and read themselves.
type codec struct{}

// Name is that of protocol buffers, which the bytes are.
func (codec) Name() string { return "proto" }

// Marshal writes a message.
func (codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(message)
	if !ok {
		return nil, fmt.Errorf("a %T is no message", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(m.append(make([]byte, 0, m.size())))}, nil
}

// Unmarshal reads an answer, which keeps the bytes.
func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	a, ok := v.(answer)
	if !ok {
		return fmt.Errorf("a %T is no answer", v)
	}
	if err := a.read(data.Materialize()); err != nil {
		return fmt.Errorf("%w%w", errUnreadable, err)
	}
	return nil
}

// errUnreadable marks what gRPC tells as a fault of its own.
var errUnreadable = errors.New("")

// ask makes one call.
func (g *overGRPC) ask(ctx context.Context, method string, deadline time.Time, m message, a answer) (model.Times, error) {
	if d, ok := ctx.Deadline(); !ok || time.Until(d) > g.config.Timeout {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, g.config.Timeout)
		defer cancel()
	}
	sent, err := g.metadata(ctx, deadline)
	if err != nil {
		return model.Times{}, &model.Error{Class: model.ClassDenied, Endpoint: g.name, Err: err}
	}
	var head, trailer metadata.MD
	begun := time.Now()
	err = g.sizes.ask(sent, func(ctx context.Context, most int) (grpc.ClientStream, error) {
		stream, err := g.conn.NewStream(ctx, &grpc.StreamDesc{}, service+method, grpc.MaxCallRecvMsgSize(most), grpc.Header(&head), grpc.Trailer(&trailer))
		if err == nil {
			err = stream.SendMsg(m)
		}
		return stream, err
	}, a)
	times := model.Times{Total: time.Since(begun)}
	if err != nil {
		return times, g.fault(ctx, err, len(head)+len(trailer) > 0)
	}
	exchange.ReadServerTiming(&times, append(head.Get(timingHeader), trailer.Get(timingHeader)...))
	return times, nil
}

func (g *overGRPC) metadata(ctx context.Context, deadline time.Time) (context.Context, error) {
	shared, err := g.headers.Of("", "")
	if err != nil {
		return nil, err
	}
	var pairs []string
	for name, values := range shared {
		if name = strings.ToLower(name); name != "user-agent" {
			pairs = append(pairs, name, values[0])
		}
	}
	if !deadline.IsZero() {
		pairs = append(pairs, strings.ToLower(deadlineHeader), leftOf(deadline))
	}
	return metadata.AppendToOutgoingContext(ctx, pairs...), nil
}

func (g *overGRPC) ready(ctx context.Context) error {
	var r readiness
	if _, err := g.ask(ctx, "ModelReady", time.Time{}, &named{g.config.Model, g.config.Version}, &r); err != nil {
		return err
	}
	if !r.ready {
		return &model.Error{Class: model.ClassNotReady, Endpoint: g.name, Err: fmt.Errorf("the server says that model %s is not ready", g.config.Model)}
	}
	return nil
}

func (g *overGRPC) describe(ctx context.Context) (*signature, error) {
	var told describedModel
	if _, err := g.ask(ctx, "ModelMetadata", time.Time{}, &named{g.config.Model, g.config.Version}, &told); err != nil {
		return nil, err
	}
	s, err := told.signature()
	if err != nil {
		return nil, &model.Error{Class: model.ClassNotFound, Endpoint: g.name, Err: err}
	}
	s.binary = g.config.Binary != binaryOff
	return s, nil
}

func (g *overGRPC) infer(ctx context.Context, c *call) (*result, error) {
	q := &question{
		model: g.config.Model, version: g.config.Version, id: c.id, parameters: g.config.Parameters,
		inputs: c.inputs, outputs: g.config.Outputs, raw: c.binary,
	}
	if !c.binary {
		for i := range c.inputs {
			if contentsField(c.inputs[i].datatype) == 0 {
				return nil, &model.Error{Class: model.ClassNotFound, Endpoint: g.name, Err: fmt.Errorf("input %s travels as bytes only; set binary: auto", c.inputs[i].name)}
			}
		}
	}
	if exchange.Late(c.latest) {
		return nil, &model.Error{Class: model.ClassLate, Endpoint: g.name, Err: exchange.ErrLate}
	}
	r := &result{}
	times, err := g.ask(ctx, "ModelInfer", c.deadline, q, r)
	if err != nil {
		return nil, err
	}
	r.times = times
	return r, nil
}

// fault classifies a call that failed; answered says that the server said so itself.
func (g *overGRPC) fault(ctx context.Context, err error, answered bool) error {
	e := &model.Error{Endpoint: g.name}
	s := status.Convert(err)
	if ended := over(ctx, s.Code()); ended != nil {
		e.Class, e.Err = exchange.ClassOf(ended), ended
		return e
	}
	if errors.Is(err, errLarge) {
		e.Class, e.Err = model.ClassBadOutput, errLarge
		return e
	}
	e.Class = classOfCode(s.Code(), s.Message(), answered)
	if answered {
		e.Message = model.Excerpt([]byte(s.Message()))
		e.Err = g.advice(e.Class, s.Code())
		return e
	}
	e.Err = errors.New(s.Message())
	return e
}

// over says how the call's time ended, nil while there is some left. Both gRPC and the
// server, who is told of the deadline, may see its end a moment before the context does.
func over(ctx context.Context, code codes.Code) error {
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	if deadline, limited := ctx.Deadline(); limited && code == codes.DeadlineExceeded && !time.Now().Before(deadline.Add(-earlier)) {
		return context.DeadlineExceeded
	}
	return nil
}

// earlier is how long before the end of the time gRPC or a server may find it over: it
// travels in whole units, and their timers are not ours.
const earlier = 5 * time.Millisecond

// classOfCode: who is to blame for a status of gRPC.
func classOfCode(code codes.Code, message string, answered bool) model.Class {
	switch {
	case strings.Contains(strings.ToLower(message), "message larger than max"):
		return model.ClassTooLarge
	case !answered && code == codes.Unavailable:
		return model.ClassConnection
	}
	switch code {
	case codes.ResourceExhausted:
		return model.ClassThrottled
	case codes.Unavailable, codes.Canceled:
		return model.ClassUnavailable
	case codes.DeadlineExceeded:
		return model.ClassTimeout
	case codes.NotFound, codes.Unimplemented:
		return model.ClassNotFound
	case codes.Unauthenticated, codes.PermissionDenied:
		return model.ClassDenied
	case codes.InvalidArgument, codes.FailedPrecondition, codes.OutOfRange:
		return model.ClassBadInput
	}
	return model.ClassModelFault
}

func (g *overGRPC) advice(class model.Class, code codes.Code) error {
	switch {
	case code == codes.Unimplemented:
		return fmt.Errorf("the server speaks another protocol; mend url: %s", g.config.URL)
	case class == model.ClassNotFound:
		return fmt.Errorf("the server has no model %s %s; mend model or version", g.config.Model, g.config.Version)
	case class == model.ClassDenied:
		return errCredentials
	}
	return nil
}
