package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/loadgen"
	"betimes/internal/lab/verify"
)

// supply sends events through a gateway whatever becomes of it, one by one and
// some at once, and bytes that are no event past it. What it sends is in a ledger.
type supply struct {
	run     string
	file    string
	ledger  *verify.Ledger
	gateway *loadgen.Gateway
	url     string
	many    *http.Client
	beside  *kafka.Producer
	pending sync.WaitGroup
}

func (o options) newSupply(address, run string, cluster *kafka.Cluster) (*supply, error) {
	dir, err := os.MkdirTemp(o.workdir, "ledger-")
	if err != nil {
		return nil, err
	}
	s := &supply{
		run: run, file: filepath.Join(dir, "ledger"), url: "http://" + address + "/v1/events",
		many: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}},
	}
	if s.ledger, err = verify.OpenLedger(s.file); err != nil {
		return nil, err
	}
	if s.gateway, err = loadgen.NewGateway("http://"+address, ""); err != nil {
		return nil, err
	}
	s.beside, err = cluster.NewProducer("supply")
	return s, err
}

// close ends the connections and writes the last of the ledger.
func (s *supply) close() error {
	s.beside.Close()
	s.gateway.Close()
	s.many.CloseIdleConnections()
	return s.ledger.Close()
}

// What is sent beside single events.
const (
	supplyKeys = 50 // few: some have several events in one transaction
	together   = 5  // events of one request
	manyIn     = 20 // one of so many requests has some
	noneIn     = 15 // at one of so many times bytes are written that are no event
)

// load sends until ctx ends, then waits for the last answers.
func (s *supply) load(ctx context.Context, rate float64) {
	defer s.pending.Wait()
	start := time.Now()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(start.Add(time.Duration(float64(n) / rate * float64(time.Second))))):
		}
		switch {
		case n%manyIn == 0:
			s.pending.Go(func() { s.sendMany(n) })
		default:
			s.sendOne(n)
		}
		if n%noneIn == 0 {
			s.beside.Write(&kafka.Record{Topic: topicEvents, Partition: kafka.ByKey, Key: []byte(fmt.Sprint("none", n)), Value: []byte{0xff, '{'}},
				func(event.Source, error) {}) // it may be lost: nobody asked for it
		}
	}
}

// event is an event's id, key and body.
func (s *supply) event(n, of int) verify.Sending {
	id, key := fmt.Sprintf("%s-%d-%d", s.run, n, of), fmt.Sprintf("card-%d", (n*31+of)%supplyKeys)
	return verify.Sending{ID: id, Key: []byte(key), Value: fmt.Appendf(nil, `{"id":%q,"card_token":%q,"amount":1}`, id, key)}
}

func (s *supply) sendOne(n int) {
	e := s.event(n, 0)
	s.pending.Add(1)
	seq := make(chan uint64, 1)
	seq <- s.ledger.Send(e, func(err error) {
		if err != nil {
			s.pending.Done()
			return
		}
		s.gateway.Send(context.Background(), loadgen.Outgoing{
			ID: e.ID, Body: e.Value, ContentType: "application/json", Intended: time.Now(),
		}, func(r loadgen.Result) {
			defer s.pending.Done()
			r.Source.Topic = topicEvents
			s.ledger.Mark(<-seq, outcomeOf(r.Outcome), r.Source)
		})
	})
}

// outcomeOf is what the ledger says of an outcome; only what was not sent or
// refused cannot be there.
func outcomeOf(o loadgen.Outcome) verify.Outcome {
	switch o {
	case loadgen.Accepted:
		return verify.OK
	case loadgen.Failed, loadgen.Refused:
		return verify.Failed
	}
	return verify.Unknown
}

// sendMany sends some events in one request.
func (s *supply) sendMany(n int) {
	var body bytes.Buffer
	var seqs []uint64
	written := make(chan error, together)
	for of := range together {
		e := s.event(n, of)
		body.Write(append(e.Value, '\n'))
		seqs = append(seqs, s.ledger.Send(e, func(err error) { written <- err }))
	}
	for range together {
		if <-written != nil {
			return
		}
	}
	answer, err := s.many.Post(s.url, "application/x-ndjson", &body)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" {
			for _, seq := range seqs {
				s.ledger.Mark(seq, verify.Failed, event.Source{})
			}
		}
		return // else unknown
	}
	defer answer.Body.Close()
	for lines := json.NewDecoder(answer.Body); ; {
		var one struct {
			Index, Status int
			Partition     int32
			Offset        int64
		}
		if lines.Decode(&one) != nil || one.Index >= len(seqs) {
			return // the others are unknown
		}
		if one.Status == http.StatusAccepted {
			s.ledger.Mark(seqs[one.Index], verify.OK, event.Source{Topic: topicEvents, Partition: one.Partition, Offset: one.Offset})
		}
	}
}
