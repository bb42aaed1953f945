package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// clients send one event after another each, and wait for its prediction: as
// many events are under way as there are clients.
type clients struct {
	url    string
	run    string
	number int
	client *http.Client
	under  atomic.Int64 // requests without an answer
	sent   atomic.Int64

	mu       sync.Mutex
	accepted map[string]bool
	lost     map[string]string // ids without an answer, and why
	refused  map[string]int    // answers other than 2xx
	away     int               // tries that found nobody listening, which are repeated
}

func newClients(address, run string, number int) *clients {
	return &clients{
		url: "http://" + address + "/v1/events", run: run, number: number,
		client: &http.Client{
			Timeout:   40 * time.Second,
			Transport: &http.Transport{MaxIdleConnsPerHost: number, IdleConnTimeout: time.Minute, DisableCompression: true},
		},
		accepted: map[string]bool{}, lost: map[string]string{}, refused: map[string]int{},
	}
}

// load sends until ctx ends, then waits for the last answers.
func (c *clients) load(ctx context.Context) {
	var all sync.WaitGroup
	for n := range c.number {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				c.send(ctx, fmt.Sprintf("%s-%d-%d", c.run, n, i), fmt.Sprintf("card-%d-%d", n, i%8))
			}
		})
	}
	all.Wait()
	c.client.CloseIdleConnections()
}

// send sends one event until somebody takes it or refuses it for good.
func (c *clients) send(ctx context.Context, id, key string) {
	body := fmt.Sprintf(`{"id":%q,"card_token":%q,"amount":1}`, id, key)
	c.sent.Add(1)
	for ctx.Err() == nil {
		if c.post(id, body) {
			return
		}
		_ = pause(ctx, 10*time.Millisecond)
	}
}

// post tells whether the event has had its answer, or can have none any more.
func (c *clients) post(id, body string) bool {
	request, err := http.NewRequest(http.MethodPost, c.url, strings.NewReader(body))
	if err != nil {
		c.note(id, 0, "", err)
		return true
	}
	request.GetBody = nil // else net/http repeats it by itself
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Prefer", "wait=5")
	c.under.Add(1)
	defer c.under.Add(-1)
	answer, err := c.client.Do(request)
	if err != nil {
		return c.note(id, 0, "", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	return c.note(id, answer.StatusCode, kindOf(text), err)
}

// kindOf is the type of a problem that the gateway tells.
func kindOf(text []byte) string {
	var p struct{ Type string }
	_ = json.Unmarshal(text, &p) // another answer has none
	return p.Type[strings.LastIndexByte(p.Type, ':')+1:]
}

// note tells whether that was the event's last try.
func (c *clients) note(id string, status int, kind string, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	var op *net.OpError
	switch {
	case errors.As(err, &op) && op.Op == "dial", strings.HasSuffix(kind, "starting"):
		c.away++
		return false
	case err != nil:
		c.lost[id] = err.Error()
	case status < 200 || status > 299:
		c.refused[fmt.Sprint(status, " ", kind)]++
		c.lost[id] = fmt.Sprint("http ", status)
	default:
		c.accepted[id] = true
	}
	return true
}
