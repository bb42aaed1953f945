package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// emulated asks an emulator that may be killed at any moment, unsigned.
type emulated struct {
	base string
	http *http.Client
}

// answered is an answer.
type answered struct {
	status int
	body   []byte
	header http.Header
}

// done says that what was asked has happened.
func (a answered) done() bool { return a.status >= 200 && a.status < 300 }

func newEmulated(address string) *emulated {
	return &emulated{"http://" + address, &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

// ask sends one request. After an error nobody knows what became of it.
func (e *emulated) ask(ctx context.Context, method, path string, body []byte, headers ...string) (answered, error) {
	r, err := http.NewRequestWithContext(ctx, method, e.base+path, bytes.NewReader(body))
	if err != nil {
		return answered{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	got, err := e.http.Do(r)
	if err != nil {
		return answered{}, err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	return answered{got.StatusCode, text, got.Header}, err
}

// members is a JSON object.
type members map[string]any

// Targets of the services that speak awsJson.
const (
	toSageMaker = "SageMaker."
	toScaling   = "AnyScaleFrontendService."
	toWatch     = "GraniteServiceVersion20100801."
	toLogs      = "Logs_20140328."
	toQueues    = "AmazonSQS."
)

// json asks a service that speaks awsJson.
func (e *emulated) json(ctx context.Context, target string, request members) (answered, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return answered{}, err
	}
	return e.ask(ctx, http.MethodPost, "/", body, "X-Amz-Target", target, "Content-Type", "application/x-amz-json-1.1")
}

// notify asks SNS, which speaks Query.
func (e *emulated) notify(ctx context.Context, action string, form url.Values) (answered, error) {
	form.Set("Action", action)
	form.Set("Version", "2010-03-31")
	return e.ask(ctx, http.MethodPost, "/", []byte(form.Encode()), "Content-Type", "application/x-www-form-urlencoded")
}

// get reads an answer's JSON into a value; what is refused is an error.
func (e *emulated) get(ctx context.Context, target string, request members, into any) error {
	a, err := e.json(ctx, target, request)
	if err == nil && !a.done() {
		err = fmt.Errorf("%s: %d %s", target, a.status, a.body)
	}
	if err == nil {
		err = json.Unmarshal(a.body, into)
	}
	return err
}

// refusal is what an answer that is no success says, for counting: without names.
func (a answered) refusal() string {
	var said struct {
		Type    string `json:"__type"`
		Message string // of either case
	}
	if json.Unmarshal(a.body, &said) != nil || said.Message == "" {
		said.Message = string(a.body[:min(len(a.body), 200)])
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", a.status, said.Type, ownName.ReplaceAllString(said.Message, "NAME")))
}

// ownName is a name of a user's thing.
var ownName = regexp.MustCompile(`[a-z]+-u[0-9]+(-[0-9]+)?`)
