package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"betimes/internal/dashboard"
	"betimes/internal/event"
	"betimes/internal/flow/feature"
	"betimes/internal/listen"
	"betimes/internal/watch/trail"
)

// askTimeout is how long a running process may take to answer.
const askTimeout = 15 * time.Second

// ErrNotRunning says that there is no process to ask.
var ErrNotRunning = errors.New("nothing to ask")

// Ask asks the API of the running process, or of the one at, for path, for
// example why?since=10m.
func (c *Client) Ask(ctx context.Context, at, path string, into any) error {
	base, err := c.base(at)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/v1/"+path, nil)
	if err != nil {
		return err
	}
	if err := c.authorize(req); err != nil {
		return err
	}
	trust, err := c.Config.Admin.TLS.Client()
	if err != nil {
		return fmt.Errorf("admin.%w", err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trust, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%w at %s: %w", ErrNotRunning, base, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		var p listen.Problem
		if json.Unmarshal(body, &p) != nil || p.Title == "" {
			return fmt.Errorf("%s answers %s", base, resp.Status)
		}
		return p
	}
	return json.Unmarshal(body, into)
}

// base is the URL of the process to ask.
func (c *Client) base(at string) (string, error) {
	switch {
	case at != "":
		if !strings.Contains(at, "://") {
			at = scheme(c.Config.Admin.TLS != nil) + at
		}
		return strings.TrimSuffix(at, "/"), nil
	case c.Addresses.Dashboard != "":
		return scheme(c.Config.Admin.TLS != nil) + c.Addresses.Dashboard, nil
	}
	return "", fmt.Errorf("%w: no process of %s runs on %s; start `betimes up`, or say where with --at URL", ErrNotRunning, c.Config.Name, c.Config.DataDir)
}

// authorize shows the first token of the file.
func (c *Client) authorize(req *http.Request) error {
	tokens := c.Config.Admin.Tokens
	if len(tokens) == 0 {
		return nil
	}
	token, err := tokens[0].Token.Value()
	if err != nil {
		return fmt.Errorf("admin.tokens[0].token: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// Explain says where one event is: the running process knows, else the topics
// are read.
func (c *Client) Explain(ctx context.Context, at, id string, progress func(int64)) (dashboard.Explanation, error) {
	var x dashboard.Explanation
	err := c.Ask(ctx, at, "events/"+url.PathEscape(id), &x)
	if err == nil {
		return x, nil
	}
	if at != "" || !errors.Is(err, ErrNotRunning) {
		return x, fmt.Errorf("event %s: %w", id, err)
	}
	all, err := c.Search(ctx, trail.Filter{ID: id, Limit: 1, Progress: progress})
	if err != nil {
		return x, err
	}
	if len(all) == 0 {
		return x, fmt.Errorf("event %s: %w", id, event.ErrUnknown)
	}
	return all[0], nil
}

// Search reads the topics for events.
func (c *Client) Search(ctx context.Context, f trail.Filter) ([]dashboard.Explanation, error) {
	cluster, err := c.Cluster("explain")
	if err != nil {
		return nil, err
	}
	found, err := trail.Scan(ctx, trailReader{cluster}, trailTopics(c.Config), f)
	if err != nil {
		return nil, err
	}
	out := make([]dashboard.Explanation, len(found))
	for i, w := range found {
		out[i] = dashboard.Explain(w, policy(c.Config))
	}
	return out, nil
}

// Where makes a filter of an expression over events.
func (c *Client) Where(src string) (func(*event.Event) bool, error) {
	topic := c.Config.Kafka.Topics.Events
	format, decoder, err := formatOf(topic)
	if err != nil {
		return nil, err
	}
	if decoder != nil {
		c.closers = append(c.closers, decoder.Close)
	}
	reader, err := feature.NewReader(format)
	if err != nil {
		return nil, err
	}
	x, err := feature.Compile(src, feature.Bool)
	if err != nil {
		return nil, err
	}
	return func(e *event.Event) bool {
		in := reader.Open(e, time.Now())
		defer in.Close()
		yes, err := x.Bool(in)
		return err == nil && yes
	}, nil
}
