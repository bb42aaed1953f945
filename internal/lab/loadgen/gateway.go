package loadgen

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"betimes/internal/event"
	"betimes/internal/privacy"
)

const (
	// maxConnections bounds the connections to a gateway; a send beyond them
	// waits, and the wait counts.
	maxConnections = 256
	// answerTimeout is when a send without an answer becomes unknown.
	answerTimeout = 30 * time.Second
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 64 << 10
)

// Gateway sends through a gateway's POST /v1/events.
type Gateway struct {
	url    string
	token  string
	client *http.Client
	parser fastjson.ParserPool
}

// NewGateway makes a Sender for the gateway at base, for example
// http://127.0.0.1:8080. token may be empty.
func NewGateway(base, token string) (*Gateway, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("gateway %q is not a URL; write for example http://127.0.0.1:8080", base)
	}
	return &Gateway{
		url: strings.TrimRight(base, "/") + "/v1/events", token: token,
		client: &http.Client{
			Timeout: answerTimeout,
			Transport: &http.Transport{
				MaxConnsPerHost: maxConnections, MaxIdleConnsPerHost: maxConnections, IdleConnTimeout: time.Minute,
				DisableCompression: true,
			},
		},
	}, nil
}

// Trust sets whom an https gateway is taken from; before the first Send.
func (g *Gateway) Trust(c *tls.Config) {
	if t, ok := g.client.Transport.(*http.Transport); ok {
		t.TLSClientConfig = c
	}
}

// Close ends the idle connections.
func (g *Gateway) Close() { g.client.CloseIdleConnections() }

// Send posts the event from a goroutine of its own.
func (g *Gateway) Send(ctx context.Context, e Outgoing, done func(Result)) {
	go func() { done(g.post(ctx, &e)) }()
}

func (g *Gateway) post(ctx context.Context, e *Outgoing) Result {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url, bytes.NewReader(e.Body))
	if err != nil {
		return Result{Outcome: Failed, Problem: "request"}
	}
	request.GetBody = nil // else net/http repeats it on a lost connection, and the outcome is not what it seems
	request.Header.Set("Content-Type", e.ContentType)
	request.Header.Set("Idempotency-Key", e.ID)
	if g.token != "" {
		request.Header.Set("Authorization", "Bearer "+g.token)
	}
	answer, err := g.client.Do(request)
	if err != nil {
		return notAnswered(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	return g.judge(answer.StatusCode, body, err)
}

// notAnswered tells a send that never was from one that may have arrived.
func notAnswered(err error) Result {
	var op *net.OpError
	var timeout net.Error
	switch {
	case errors.As(err, &op) && op.Op == "dial":
		return Result{Outcome: Failed, Problem: "not connected"}
	case errors.Is(err, context.Canceled):
		return Result{Outcome: Unknown, Problem: "stopped"}
	case errors.As(err, &timeout) && timeout.Timeout():
		return Result{Outcome: Unknown, Problem: "timeout"}
	}
	return Result{Outcome: Unknown, Problem: "connection lost"}
}

// problem is a status and, where the gateway says it, what was wrong and in which
// field: "http 400 no_key /card_token".
func (g *Gateway) problem(status int, body []byte) string {
	text := fmt.Sprintf("http %d", status)
	p := g.parser.Get()
	defer g.parser.Put(p)
	v, err := p.ParseBytes(body)
	if err != nil {
		return text
	}
	for _, said := range []string{strings.TrimPrefix(string(v.GetStringBytes("type")), "urn:betimes:problem:"), string(v.GetStringBytes("field"))} {
		if said != "" && len(said) <= maxSaid {
			text += " " + privacy.Plain(said)
		}
	}
	return text
}

// maxSaid bounds each thing that is told of a problem.
const maxSaid = 64

// judge reads an answer. A 5xx may have become durable after it was given up.
func (g *Gateway) judge(status int, body []byte, err error) Result {
	if status >= 500 {
		return Result{Outcome: Unknown, Problem: g.problem(status, body)}
	}
	if status < 200 || status > 299 {
		return Result{Outcome: Refused, Problem: g.problem(status, body)}
	}
	r := Result{Outcome: Accepted, Source: event.Source{Offset: -1}}
	if err != nil {
		return r
	}
	p := g.parser.Get()
	defer g.parser.Put(p)
	if v, err := p.ParseBytes(body); err == nil && v.Exists("offset") {
		r.Source.Partition, r.Source.Offset = int32(v.GetInt("partition")), v.GetInt64("offset")
	}
	return r
}
