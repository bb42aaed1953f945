package oip

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
)

// overHTTP speaks the protocol's HTTP form.
type overHTTP struct {
	config  Config
	name    string // of the endpoint
	base    *url.URL
	asking  *url.URL // where inputs are posted
	headers *exchange.Headers
	client  *exchange.Client
}

func newHTTP(c Config, name string, dialled func(), room *exchange.Room) (*overHTTP, error) {
	base, err := url.Parse(strings.TrimRight(c.URL, "/"))
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	authority, err := exchange.Authority(c.CA)
	if err != nil {
		return nil, err
	}
	headers, err := exchange.NewHeaders(c.Headers)
	if err != nil {
		return nil, err
	}
	client := exchange.New(exchange.Config{Endpoint: name, Connections: c.Connections, Timeout: c.Timeout, TLS: authority, Dialed: dialled, Room: room})
	h := &overHTTP{config: c, name: name, base: base, headers: headers, client: client}
	h.asking = h.at("/infer")
	return h, nil
}

func (h *overHTTP) close() { h.client.Close() }

// at is a URL of the model.
func (h *overHTTP) at(what string) *url.URL {
	path := "/v2/models/" + h.config.Model
	if h.config.Version != "" {
		path += "/versions/" + h.config.Version
	}
	return h.server(path + what)
}

// server is a URL of the server.
func (h *overHTTP) server(path string) *url.URL {
	u := *h.base
	u.Path += path
	return &u
}

// get asks and expects 2xx.
func (h *overHTTP) get(ctx context.Context, u *url.URL) ([]byte, error) {
	header, err := h.headers.Of("", mediaJSON)
	if err != nil {
		return nil, &model.Error{Class: model.ClassDenied, Endpoint: h.name, Err: err}
	}
	reply, err := h.client.Do(ctx, exchange.Request{Method: http.MethodGet, URL: u, Header: header})
	if err != nil {
		return nil, err
	}
	if reply.Status < 200 || reply.Status > 299 {
		return nil, h.refused(reply, u)
	}
	return reply.Body, nil
}

func (h *overHTTP) ready(ctx context.Context) error {
	_, err := h.get(ctx, h.at("/ready"))
	return err
}

func (h *overHTTP) describe(ctx context.Context) (*signature, error) {
	body, err := h.get(ctx, h.at(""))
	if err != nil {
		return nil, err
	}
	var m struct{ Inputs, Outputs []written }
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, &model.Error{Class: model.ClassNotFound, Endpoint: h.name, Err: fmt.Errorf("what answers at %s is no metadata of the Open Inference Protocol; mend url", h.at(""))}
	}
	s, err := (&describedModel{describedOf(m.Inputs), describedOf(m.Outputs)}).signature()
	if err != nil {
		return nil, &model.Error{Class: model.ClassNotFound, Endpoint: h.name, Err: err}
	}
	s.binary = h.binary(ctx)
	return s, nil
}

func describedOf(all []written) []described {
	out := make([]described, len(all))
	for i, w := range all {
		out[i] = described{w.Name, w.Datatype, w.Shape}
	}
	return out
}

// binary says whether tensors travel as bytes: as configured, or as the server
// says of itself.
func (h *overHTTP) binary(ctx context.Context) bool {
	if h.config.Binary != binaryAuto {
		return h.config.Binary == binaryOn
	}
	body, err := h.get(ctx, h.server("/v2"))
	if err != nil {
		return false
	}
	var server struct{ Extensions []string }
	return json.Unmarshal(body, &server) == nil && slices.Contains(server.Extensions, "binary_tensor_data")
}

func (h *overHTTP) infer(ctx context.Context, c *call) (*result, error) {
	body, jsonBytes, err := h.body(c)
	if err != nil {
		return nil, &model.Error{Class: model.ClassBadInput, Endpoint: h.name, Err: err}
	}
	header, err := h.header(c, jsonBytes)
	if err != nil {
		return nil, &model.Error{Class: model.ClassDenied, Endpoint: h.name, Err: err}
	}
	reply, err := h.client.Do(ctx, exchange.Request{URL: h.asking, Header: header, Body: body, Latest: c.latest})
	if err != nil {
		return nil, err
	}
	if reply.Status < 200 || reply.Status > 299 {
		return nil, h.refused(reply, h.asking)
	}
	r, err := readReply(reply)
	if err != nil {
		return nil, &model.Error{Class: model.ClassBadOutput, Endpoint: h.name, Err: err}
	}
	r.times = reply.Times
	exchange.ReadServerTiming(&r.times, reply.Header[timingHeader])
	return r, nil
}

func (h *overHTTP) header(c *call, jsonBytes int) (http.Header, error) {
	media := mediaJSON
	if c.binary {
		media = "application/octet-stream"
	}
	shared, err := h.headers.Of(media, "")
	if err != nil || c.deadline.IsZero() && !c.binary {
		return shared, err
	}
	own := make(http.Header, len(shared)+2)
	for name, values := range shared {
		own[name] = values
	}
	if !c.deadline.IsZero() {
		own[deadlineHeader] = []string{leftOf(c.deadline)}
	}
	if c.binary {
		own[binaryHeader] = []string{strconv.Itoa(jsonBytes)}
	}
	return own, nil
}

// leftOf is what is left of a deadline, in whole milliseconds.
func leftOf(deadline time.Time) string {
	return strconv.FormatInt(max(0, time.Until(deadline).Milliseconds()), 10)
}

// body writes a request; jsonBytes is where its JSON ends.
func (h *overHTTP) body(c *call) (body []byte, jsonBytes int, err error) {
	b := appendQuoted([]byte(`{"id":`), c.id)
	b = h.appendParameters(b, c.binary)
	b = append(b, `,"inputs":[`...)
	for i := range c.inputs {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendInput(b, &c.inputs[i], c.binary); err != nil {
			return nil, 0, err
		}
	}
	b = append(b, ']')
	for i, name := range h.config.Outputs {
		b = append(b, [...]string{`,"outputs":[`, ","}[min(i, 1)]...)
		b = append(appendQuoted(append(b, `{"name":`...), name), '}')
	}
	if len(h.config.Outputs) > 0 {
		b = append(b, ']')
	}
	b = append(b, '}')
	jsonBytes = len(b)
	if c.binary {
		for i := range c.inputs {
			b = append(b, c.inputs[i].data...)
		}
	}
	return b, jsonBytes, nil
}

func (h *overHTTP) appendParameters(b []byte, binary bool) []byte {
	if !binary && len(h.config.Parameters) == 0 {
		return b
	}
	b = append(b, `,"parameters":{`...)
	if binary {
		b = append(b, `"binary_data_output":true,`...)
	}
	for name, text := range h.config.Parameters {
		b = append(appendQuoted(append(appendQuoted(b, name), ':'), text), ',')
	}
	return append(bytes.TrimSuffix(b, []byte(",")), '}')
}

func appendInput(b []byte, t *tensor, binary bool) ([]byte, error) {
	b = appendHead(b, t)
	if len(t.parameters) > 0 || binary {
		all := make(map[string]any, len(t.parameters)+1)
		for name, v := range t.parameters {
			all[name] = v
		}
		if binary {
			all["binary_data_size"] = len(t.data)
		}
		parameters, err := json.Marshal(all)
		if err != nil {
			return nil, err
		}
		b = append(append(b, `,"parameters":`...), parameters...)
	}
	if binary {
		return append(b, '}'), nil
	}
	b, err := appendData(append(b, `,"data":`...), t)
	if errors.Is(err, errNaN) {
		return nil, fmt.Errorf("a value of input %s is missing, which JSON cannot say to this server; fill it in flow.feature, or use grpc or binary: on", t.name)
	}
	return append(b, '}'), err
}

// readReply reads an answer: JSON, and behind it the bytes of the outputs that say
// how many they have there.
func readReply(reply exchange.Reply) (*result, error) {
	head, rest := reply.Body, []byte(nil)
	if text := reply.Header.Get(binaryHeader); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > len(reply.Body) {
			return nil, errors.New("the answer says that its JSON is longer than all of it")
		}
		head, rest = reply.Body[:n], reply.Body[n:]
	}
	var answer struct {
		ModelVersion string `json:"model_version"`
		ID           string `json:"id"`
		Outputs      []written
	}
	if err := json.Unmarshal(head, &answer); err != nil {
		return nil, errors.New("the answer is not JSON of the Open Inference Protocol")
	}
	r := &result{id: answer.ID, version: answer.ModelVersion, outputs: make([]tensor, len(answer.Outputs))}
	for i := range answer.Outputs {
		var err error
		if r.outputs[i], rest, err = readOutputOf(&answer.Outputs[i], rest); err != nil {
			return nil, fmt.Errorf("output %.60q: %w", answer.Outputs[i].Name, err)
		}
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes of the answer belong to no output", len(rest))
	}
	return r, nil
}

func readOutputOf(w *written, rest []byte) (t tensor, after []byte, err error) {
	size, ok := w.Parameters["binary_data_size"].(float64)
	if !ok {
		w.Parameters = nil
		t, err = w.tensor()
		return t, rest, err
	}
	if size < 0 || size != float64(int(size)) || int(size) > len(rest) {
		return t, rest, errors.New("it says that it has more bytes than there are")
	}
	t = tensor{name: w.Name, shape: w.Shape, data: rest[:int(size)]}
	t.datatype, err = datatypeOf(w.Datatype)
	return t, rest[int(size):], err
}
