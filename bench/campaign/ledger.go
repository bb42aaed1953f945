package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"betimes/internal/lab/loadgen"
	"betimes/internal/lab/loadgen/payments"
	"betimes/internal/lab/verify"
)

// send is what is known of one event that was sent.
type send struct {
	outcome  loadgen.Outcome
	source   string    // of the accepted record: partition:offset
	due      time.Time // when it was to be sent
	answered time.Time
}

// ledger sends payments at a steady rate, whatever becomes of them, and
// remembers the answers, also on disk where the verifier asks. Nothing is sent twice.
type ledger struct {
	disk     *verify.Ledger // nil: not kept
	run      string
	seed     uint64
	gateway  *loadgen.Gateway
	mu       sync.Mutex
	sends    map[string]send
	problems map[string]int
	pending  sync.WaitGroup
}

func newLedger(address string, seed uint64) (*ledger, error) {
	gateway, err := loadgen.NewGateway("http://"+address, "")
	if err != nil {
		return nil, err
	}
	l := blankLedger(fmt.Sprintf("kill%d-", seed), seed)
	l.gateway = gateway
	return l, nil
}

// blankLedger is one whose ids begin with run.
func blankLedger(run string, seed uint64) *ledger {
	return &ledger{run: run, seed: seed, sends: map[string]send{}, problems: map[string]int{}}
}

// load sends until ctx ends, then waits for the last answers.
func (l *ledger) load(ctx context.Context, rate float64) {
	defer l.pending.Wait()
	generator := payments.NewGenerator(payments.Options{Seed: l.seed, Prefix: l.run})
	start := time.Now()
	for n := 0; ; n++ {
		due := start.Add(time.Duration(float64(n) / rate * float64(time.Second)))
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(due)):
		}
		p := generator.Next(due)
		l.pending.Add(1)
		l.one(context.WithoutCancel(ctx), loadgen.Outgoing{
			ID: p.ID, Key: []byte(p.Card), Body: p.AppendJSON(nil), ContentType: "application/json", Intended: due,
		})
	}
}

// one sends an event, once it is on disk where it is kept.
func (l *ledger) one(ctx context.Context, e loadgen.Outgoing) {
	if l.disk == nil {
		l.gateway.Send(ctx, e, func(r loadgen.Result) { l.answer(e.ID, e.Intended, r) })
		return
	}
	noted := make(chan uint64, 1)
	noted <- l.disk.Send(verify.Sending{ID: e.ID, Key: e.Key, Value: e.Body}, func(err error) {
		if err != nil {
			l.answer(e.ID, e.Intended, loadgen.Result{Outcome: loadgen.Failed, Problem: err.Error()})
			return
		}
		l.gateway.Send(ctx, e, func(r loadgen.Result) {
			r.Source.Topic = topicEvents
			l.disk.Mark(<-noted, outcomeOf(r.Outcome), r.Source)
			l.answer(e.ID, e.Intended, r)
		})
	})
}

// answer notes the result of a send.
func (l *ledger) answer(id string, due time.Time, r loadgen.Result) {
	defer l.pending.Done()
	l.mu.Lock()
	defer l.mu.Unlock()
	one := send{outcome: r.Outcome, due: due, answered: time.Now()}
	if r.Outcome == loadgen.Accepted {
		r.Source.Topic = topicEvents
		one.source = r.Source.String()
	}
	if r.Problem != "" {
		l.problems[r.Problem]++
	}
	l.sends[id] = one
}
