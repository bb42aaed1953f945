package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// siege sends hostile inputs and remembers each.
type siege struct {
	g        *attacker
	run      string // before every id
	url      string
	client   *http.Client
	producer *kafka.Producer

	mu      sync.Mutex
	sent    map[string]attack // by id
	answers map[string]string // by id; of those through the gateway, or why one was not written
}

func newSiege(cluster *kafka.Cluster, gateway, run string, g *attacker) (*siege, error) {
	producer, err := cluster.NewPatientProducer("siege")
	if err != nil {
		return nil, err
	}
	return &siege{
		g: g, run: run, url: "http://" + gateway + "/v1/events", producer: producer,
		client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxConnsPerHost: 32, DisableCompression: true}},
		sent:   map[string]attack{}, answers: map[string]string{},
	}, nil
}

func (s *siege) close() {
	s.client.CloseIdleConnections()
	s.producer.Close()
}

// lay sends n inputs spread over a time, and waits for the answers.
func (s *siege) lay(ctx context.Context, n int, over time.Duration) error {
	var pending sync.WaitGroup
	start := time.Now()
	for i := range n {
		if err := pause(ctx, time.Until(start.Add(over*time.Duration(i)/time.Duration(n)))); err != nil {
			return err
		}
		a := s.g.next()
		id := fmt.Sprintf("%s%d", s.run, s.g.n)
		s.mu.Lock()
		s.sent[id] = a
		s.mu.Unlock()
		if a.header == nil {
			s.write(id, a)
			continue
		}
		pending.Go(func() { s.post(ctx, id, a) })
	}
	pending.Wait()
	if err := s.producer.Flush(ctx); err != nil {
		return err
	}
	return pause(ctx, time.Until(start.Add(over)))
}

func (s *siege) write(id string, a attack) {
	r := a.record
	r.Headers = append(r.Headers, event.Header{Name: event.HeaderID, Value: []byte(id)})
	s.producer.Write(&r, func(_ event.Source, err error) {
		if err != nil {
			s.answer(id, err.Error())
		}
	})
}

func (s *siege) post(ctx context.Context, id string, a attack) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(a.body))
	if err != nil {
		s.answer(id, err.Error())
		return
	}
	request.Header = a.header
	request.Header.Set("Idempotency-Key", id)
	answer, err := s.client.Do(request)
	if err != nil {
		s.answer(id, err.Error())
		return
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	switch {
	case err != nil:
		s.answer(id, err.Error())
	case answer.StatusCode == http.StatusAccepted:
		s.answer(id, ends202)
	default:
		s.answer(id, fmt.Sprint(answer.StatusCode, " ", kindOf(text)))
	}
}

func (s *siege) answer(id, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[id] = text
}
