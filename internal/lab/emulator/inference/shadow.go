package inference

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"betimes/internal/lab/emulator/chance"
	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/journal"
)

// maxShadows is how many copies may be under way; more are dropped, so that a
// slow shadow holds no memory.
const maxShadows = 1000

// shadow sends a copy of a share of the calls to v, which may be nil. The
// answer is thrown away and nobody waits for it.
func (s *Service) shadow(endpoint string, v *Variant, call *fleet.Call, draws *chance.Draws) {
	if v == nil {
		return
	}
	drawn := draws.For(chance.Shadow)
	if drawn.Float64() >= v.Weight {
		return
	}
	if s.shadows.Add(1) > maxShadows {
		s.shadows.Add(-1)
		return
	}
	again := *call // the call's own memory is used again when it is answered
	again.Body, again.Out = bytes.Clone(call.Body), nil
	again.Chance = rand.New(rand.NewPCG(drawn.Uint64(), drawn.Uint64()))
	go func() {
		defer s.shadows.Add(-1)
		s.invokeShadow(endpoint, v, &again)
	}()
}

func (s *Service) invokeShadow(endpoint string, v *Variant, call *fleet.Call) {
	began := time.Now()
	note := journal.Entry{Time: began, Kind: journal.Request, Operation: "InvokeEndpoint", Resource: "endpoint/" + endpoint, Variant: v.Name, Status: http.StatusOK, Text: "shadow"}
	bad := unavailable()
	var timing fleet.Timing
	if instance := v.instance(call.Chance, call.Body[:min(len(call.Body), v.Prefix)]); instance != nil {
		note.Instance = instance.Number
		var answer fleet.Answer
		var err error
		answer, timing, err = s.ask(context.Background(), instance, call, nil)
		bad = s.failed(endpoint, answer, err)
		note.Scripted = answer.Scripted.Microseconds()
	}
	v.done(began, timing, bad)
	if bad != nil {
		note.Status, note.Error = bad.status, bad.name
	}
	note.Micros = time.Since(began).Microseconds()
	s.Journal.Note(note)
}
