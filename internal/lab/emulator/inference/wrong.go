package inference

import (
	"context"
	"net"
	"net/http"
	"time"

	"betimes/internal/lab/emulator/chance"
	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
)

// where is what faults can match of a request.
func (s *Service) where(h http.Header, endpoint string, note *journal.Entry, b *buffers) injection.Where {
	return injection.Where{
		Operation: note.Operation, Endpoint: endpoint, Region: s.Region, Account: s.Account,
		TargetVariant: first(h, targetVariant), InferenceID: first(h, inferenceID), Body: b.in.Bytes(), Chance: b.chance.For(chance.Fault),
	}
}

// tellFault notes what hit a request, there and as an entry of its own.
func (s *Service) tellFault(f *injection.Fault, note *journal.Entry) {
	note.Text = f.Fault + " " + f.ID
	s.Journal.Note(journal.Entry{Time: note.Time, Kind: journal.Fault, Operation: note.Operation, Resource: note.Resource, Variant: note.Variant, Instance: note.Instance, Number: note.Number, Text: note.Text})
}

// before is the answer of the faults that never reach a container.
func (s *Service) before(f *injection.Fault, endpoint string) *refusal {
	switch f.Fault {
	case injection.Throttle:
		return throttled()
	case injection.NotReady:
		return notReady()
	case injection.Internal:
		return internal()
	case injection.Unavailable:
		return unavailable()
	case injection.Dependency:
		return dependency()
	case injection.ModelError:
		status := f.Status
		if status == 0 {
			status = http.StatusInternalServerError
		}
		return s.modelFailed(endpoint, fleet.Answer{Status: status}, f.Body)
	}
	return nil
}

// slower holds the worker longer: for latency, and for stuck until the time is over or the fault removed.
func slower(f *injection.Fault) fleet.Extra {
	if f == nil || f.Fault != injection.Latency && f.Fault != injection.Stuck {
		return nil
	}
	return func(ctx context.Context, took time.Duration) error {
		var over <-chan time.Time // stuck: never
		if f.Fault == injection.Latency {
			timer := time.NewTimer(scripted(f, took))
			defer timer.Stop()
			over = timer.C
		}
		select {
		case <-over:
		case <-f.Gone():
		case <-ctx.Done():
			return ctx.Err()
		}
		return nil
	}
}

// scripted is how much longer a fault makes a call that takes so long.
func scripted(f *injection.Fault, took time.Duration) time.Duration {
	if f == nil || f.Fault != injection.Latency {
		return 0
	}
	more := time.Duration(f.Add)
	if f.Times > 1 {
		more += time.Duration(float64(took) * (f.Times - 1))
	}
	return more
}

// cutShort does reset and truncate: half of the answer, then the connection is
// reset or closed.
func cutShort(w http.ResponseWriter, a fleet.Answer, kind string) bool {
	if kind != injection.Reset && kind != injection.Truncate {
		return false
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body[:len(a.Body)/2])
	cut(w, kind)
	return true
}

// cut ends the connection of an answer that has begun.
func cut(w http.ResponseWriter, kind string) {
	control := http.NewResponseController(w)
	_ = control.Flush()
	conn, _, err := control.Hijack()
	if err != nil { // net/http itself closes a connection whose answer is too short
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok && kind == injection.Reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
