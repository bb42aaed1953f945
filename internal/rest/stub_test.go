package rest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
	"betimes/internal/model/modeltest"
)

// statuses are how a plain server says a class; connection is said by hanging up.
func statuses() map[model.Class]int {
	return map[model.Class]int{
		model.ClassThrottled: 429, model.ClassNotReady: 425, model.ClassUnavailable: 503, model.ClassTimeout: 504,
		model.ClassModelFault: 500, model.ClassBadInput: 422, model.ClassTooLarge: 413, model.ClassNotFound: 404, model.ClassDenied: 401,
	}
}

// stub is a model server of a Behaviour.
func stub(t *testing.T, b modeltest.Behaviour) string {
	var calls atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if int(calls.Add(1)) <= b.HangFor {
			if b.Reached != nil {
				b.Reached <- struct{}{}
			}
			<-r.Context().Done()
			return
		}
		serve(w, b, body)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/invocations"
}

func serve(w http.ResponseWriter, b modeltest.Behaviour, body []byte) {
	<-time.After(b.Delay)
	switch {
	case b.Fail == model.ClassConnection:
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
	case b.Refuses(body):
		http.Error(w, "no", statuses()[model.ClassBadInput])
	case b.Fail != model.ClassUnknown:
		http.Error(w, "no", statuses()[b.Fail])
	case b.Oversize:
		large := make([]byte, 1<<20)
		for range exchange.MaxAnswerBytes>>20 + 1 {
			if _, err := w.Write(large); err != nil {
				return
			}
		}
	default:
		w.Header().Set("Content-Type", "text/csv")
		_, _ = w.Write(b.Answer(body))
	}
}

func endpoint(t *testing.T, c Config) *Endpoint {
	t.Helper()
	e, err := New(c, Deps{Name: "stub"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func TestARESTEndpointPassesTheExercise(t *testing.T) {
	classes := []model.Class{model.ClassConnection}
	for c := range statuses() {
		classes = append(classes, c)
	}
	modeltest.Exercise(t, func(t *testing.T, b modeltest.Behaviour) model.Invoker {
		c := DefaultConfig()
		c.URL = stub(t, b)
		if b.Calls > 0 {
			c.Connections = b.Calls
		}
		return endpoint(t, c)
	}, classes...)
}
