package sagemaker

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/model"
	"betimes/internal/model/exchange"
)

// answering gives an endpoint at a server that answers with h.
func answering(t *testing.T, c Config, h http.HandlerFunc) *Endpoint {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return endpoint(t, account(t, s.URL), c)
}

func one(body string) *model.Request {
	return &model.Request{ContentType: "text/csv", Items: []model.Item{{Body: []byte(body)}}}
}

func TestAnInvocationCarriesWhatTheServiceTakes(t *testing.T) {
	got := make(chan http.Header, 1)
	c := fraud()
	c.Variant, c.TargetModel, c.Component, c.Session = "Small", "fraud.tar.gz", "part", "s-1"
	e := answering(t, c, func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header
		w.Header().Set("x-Amzn-Invoked-Production-Variant", "Small")
		w.Header().Set(headerAttributes, "q=0.001;c=0.002")
		_, _ = io.WriteString(w, "1")
	})
	r := one("1,2")
	r.Accept, r.InferenceID = "text/csv", "e-1"
	r.Items[0].Deadline = time.UnixMicro(1_790_000_000_000_001)
	r.Items[0].Event = &event.Event{Headers: []event.Header{{Name: "traceparent", Value: []byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")}}}
	resp, err := e.Invoke(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	h := <-got
	for name, want := range map[string]string{
		"Content-Type": "text/csv", "Accept": "text/csv", headerInferenceID: "e-1", headerTargetVariant: "Small",
		headerTargetModel: "fraud.tar.gz", headerComponent: "part", headerSession: "s-1",
		headerAttributes: "betimes-deadline=1790000000000001;traceparent=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	} {
		if h.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, h.Get(name), want)
		}
	}
	if tm := resp.Times; resp.Variant != "Small" || !tm.Server || tm.Queue != time.Microsecond || tm.Compute != 2*time.Microsecond {
		t.Errorf("got %+v", resp)
	}
}

func TestNothingOfAnEventBreaksAHeader(t *testing.T) {
	got := make(chan http.Header, 1)
	e := answering(t, fraud(), func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header
		_, _ = io.WriteString(w, "1")
	})
	for _, id := range []string{"line\r\nX-Evil: 1", "größe", strings.Repeat("x", 65), "a b"} {
		r := one("1")
		r.InferenceID = id
		r.Items[0].Event = &event.Event{Headers: []event.Header{{Name: "traceparent", Value: []byte("00\r\nX-Evil: 1")}}}
		if _, err := e.Invoke(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		h := <-got
		if sent := h.Get(headerInferenceID); len(sent) != 32 || sent == id || h.Get("X-Evil") != "" || h.Get(headerAttributes) != "" {
			t.Errorf("%q: sent %v", id, h)
		}
	}
}

func TestManyItemsShareOneCall(t *testing.T) {
	e := answering(t, fraud(), func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); string(body) != "1\n2" || r.Header.Get(headerAttributes) != "batch=2" {
			t.Errorf("body %q, attributes %q", body, r.Header.Get(headerAttributes))
		}
		w.Header().Set("Content-Type", "text/csv")
		_, _ = io.WriteString(w, "0.1,0.2\n") // older algorithms separate by commas
	})
	r := one("1")
	r.Items = append(r.Items, model.Item{Body: []byte("2")})
	resp, err := e.Invoke(t.Context(), r)
	if err != nil || string(resp.Answers[0].Body) != "0.1" || string(resp.Answers[1].Body) != "0.2" {
		t.Errorf("got %+v, %v", resp, err)
	}
}

func TestFailuresAreClassified(t *testing.T) {
	for _, tt := range []struct {
		name string
		said said
		want model.Class
	}{
		{"throttled, by name with what follows it", said{400, "ThrottlingException:http://internal.amazon.com/coral/", `{"message":null}`}, model.ClassThrottled},
		{"throttled, the name lost on the way", said{400, "", `{"message":null}`}, model.ClassThrottled},
		{"429 without a name", said{429, "", ``}, model.ClassThrottled},
		{"the container throttles", modelError(429), model.ClassThrottled},
		{"the container has no such path", modelError(404), model.ClassNotFound},
		{"the container refuses the event", modelError(422), model.ClassBadInput},
		{"the container failed", modelError(503), model.ClassModelFault},
		{"a 424 of something else", said{424, "", "?"}, model.ClassModelFault},
		{"no healthy instance", said{503, "ServiceUnavailable", `{"Message":"x"}`}, model.ClassUnavailable},
		{"an internal failure", said{500, "InternalFailure", `{"Message":"x"}`}, model.ClassUnavailable},
		{"a load balancer's page", said{502, "", "<html>"}, model.ClassUnavailable},
		{"an endpoint for asynchronous calls only", said{400, "ValidationError", `{"message":"Endpoint fraud is asynchronous"}`}, model.ClassNotFound},
		{"a body over the limit", said{400, "ValidationError", `{"message":"1 validation error detected: Value at 'body' failed to satisfy constraint"}`}, model.ClassTooLarge},
		{"an unknown key", said{403, "UnrecognizedClientException", `{"message":"x"}`}, model.ClassDenied},
		{"a key refused as a 400", said{400, "", `{"__type":"com.amazon#ExpiredTokenException","message":"x"}`}, model.ClassDenied},
		{"a server that is none", said{404, "", "404 page not found"}, model.ClassNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := answering(t, fraud(), func(w http.ResponseWriter, _ *http.Request) { refuse(w, tt.said) })
			_, err := e.Invoke(t.Context(), one("1"))
			if model.ClassOf(err) != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestAContainersFailureKeepsItsStatusAndWords(t *testing.T) {
	e := answering(t, fraud(), func(w http.ResponseWriter, _ *http.Request) { refuse(w, modelError(415)) })
	_, err := e.Invoke(t.Context(), one("1"))
	failed, ok := errors.AsType[*model.Error](err)
	if !ok || failed.Status != 424 || failed.OriginalStatus != 415 || failed.Message != "no such column" {
		t.Errorf("got %+v", failed)
	}
}

func TestAClockThatIsOffIsNamedAndTheServicesTimeTaken(t *testing.T) {
	e := answering(t, fraud(), func(w http.ResponseWriter, r *http.Request) {
		theirs := time.Now().Add(-time.Hour).UTC()
		w.Header().Set("Date", theirs.Format(http.TimeFormat))
		signed, _ := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if signed.Sub(theirs).Abs() > 5*time.Minute {
			refuse(w, said{403, "InvalidSignatureException", `{"message":"Signature expired"}`})
			return
		}
		_, _ = io.WriteString(w, "1")
	})
	_, err := e.Invoke(t.Context(), one("1"))
	if failed, _ := errors.AsType[*model.Error](err); model.ClassOf(err) != model.ClassDenied || !strings.Contains(err.Error(), "clock is 1h0m") || !failed.Again {
		t.Errorf("got %v", err)
	}
	if _, err := e.Invoke(t.Context(), one("1")); err != nil {
		t.Errorf("signed with the service's time: %v", err)
	}
}

func TestACallIsNotAskedAgainForARefusalThatStays(t *testing.T) {
	e := answering(t, fraud(), func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, said{403, "AccessDeniedException", `{"message":"not you"}`})
	})
	_, err := e.Invoke(t.Context(), one("1"))
	if failed, is := errors.AsType[*model.Error](err); !is || failed.Again {
		t.Errorf("got %+v", failed)
	}
}

func TestAKeyThatWasReplacedInItsFileIsTaken(t *testing.T) {
	alone(t)
	file := filepath.Join(t.TempDir(), "credentials")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	write := func(key string) {
		text := "[team]\naws_access_key_id = " + key + "\naws_secret_access_key = s\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("OLD")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "Credential=NEW/") {
			refuse(w, said{403, "InvalidClientTokenId", `{"message":"x"}`})
			return
		}
		_, _ = io.WriteString(w, "1")
	}))
	defer s.Close()
	a, err := NewAccount(t.Context(), AWSConfig{EndpointURL: s.URL, Profile: "team"}, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	e := endpoint(t, a, fraud())
	write("NEW")
	_, err = e.Invoke(t.Context(), one("1"))
	if failed, is := errors.AsType[*model.Error](err); !is || !failed.Again {
		t.Fatalf("got %v", err)
	}
	if _, err := e.Invoke(t.Context(), one("1")); err != nil {
		t.Errorf("with the new key: %v", err)
	}
}

func TestABodyOverTheServicesLimitIsNotSent(t *testing.T) {
	e := answering(t, fraud(), func(http.ResponseWriter, *http.Request) { t.Error("sent") })
	_, err := e.Invoke(t.Context(), one(strings.Repeat("1", maxBodyBytes+1)))
	if model.ClassOf(err) != model.ClassTooLarge {
		t.Errorf("got %.200v", err)
	}
}

func TestContainersTimesThatCannotBeAreNotBelieved(t *testing.T) {
	for _, text := range []string{"", "q=1", "c=11", "c=-1", "c=NaN", "c=6;q=6", "c", ";;=;"} {
		times := model.Times{Total: 10 * time.Millisecond}
		if readAttributes(&times, text); times != (model.Times{Total: 10 * time.Millisecond}) {
			t.Errorf("%q: got %+v", text, times)
		}
	}
}

func BenchmarkInvoke(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set(headerAttributes, "q=0.000;c=0.010")
		_, _ = io.WriteString(w, "0.5\n")
	}))
	defer s.Close()
	a, err := NewAccount(b.Context(), AWSConfig{EndpointURL: s.URL}, Deps{})
	if err != nil {
		b.Fatal(err)
	}
	e, err := a.Endpoint(fraud())
	if err != nil {
		b.Fatal(err)
	}
	r := one(strings.Repeat("1.5,", 50))
	r.Items[0].Deadline = time.Now().Add(time.Hour)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := e.Invoke(b.Context(), r); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkPlain is the same exchange without a signature.
func BenchmarkPlain(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "0.5\n")
	}))
	defer s.Close()
	c := exchange.New(exchange.Config{Connections: 64, Timeout: time.Minute})
	r, _ := http.NewRequest(http.MethodPost, s.URL, nil)
	body := []byte(strings.Repeat("1.5,", 50))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Do(b.Context(), exchange.Request{URL: r.URL, Header: r.Header, Body: body}); err != nil {
				b.Error(err)
			}
		}
	})
}
