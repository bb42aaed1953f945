package rest

import (
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/model"
	"betimes/internal/setting"
)

// at answers every request with h and gives the configuration of an endpoint there.
func at(t *testing.T, h http.HandlerFunc) Config {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c := DefaultConfig()
	c.URL = s.URL + "/invocations"
	return c
}

func one(body string) *model.Request {
	return &model.Request{ContentType: "application/json", Items: []model.Item{{Body: []byte(body)}}}
}

func TestARequestCarriesWhatTheServerNeeds(t *testing.T) {
	got := make(chan *http.Request, 1)
	c := at(t, func(w http.ResponseWriter, r *http.Request) {
		got <- r
		_, _ = io.WriteString(w, "1")
	})
	c.Headers = map[string]setting.Secret{"authorization": setting.NewSecret("Bearer s3cret")}
	r := one(`{"instances":[1]}`)
	r.Accept, r.InferenceID = "application/json", "payment-7"
	r.Items[0].Deadline = time.Now().Add(time.Hour)
	if _, err := endpoint(t, c).Invoke(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	req := <-got
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json", "Authorization": "Bearer s3cret",
		"User-Agent": "betimes", "Content-Length": "17", "Accept-Encoding": "", "X-Inference-Id": "payment-7",
	} {
		if v := req.Header.Get(name); v != want {
			t.Errorf("%s is %q, want %q", name, v, want)
		}
	}
	left, err := strconv.Atoi(req.Header.Get("X-Deadline-Ms"))
	if err != nil || left <= 0 || left > int(time.Hour.Milliseconds()) {
		t.Errorf("X-Deadline-Ms is %q", req.Header.Get("X-Deadline-Ms"))
	}
}

func TestTheTightestDeadlineIsSentAndNoneWhenThereIsNone(t *testing.T) {
	got := make(chan string, 1)
	c := at(t, func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("X-Deadline-Ms")
		_, _ = io.WriteString(w, "1\n2")
	})
	e := endpoint(t, c)
	ask := func(r *model.Request) string {
		if _, err := e.Invoke(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return <-got
	}
	if v := ask(one("1")); v != "" {
		t.Errorf("without a deadline: %q", v)
	}
	two := &model.Request{ContentType: "text/csv", Items: []model.Item{
		{Body: []byte("1"), Deadline: time.Now().Add(time.Hour)}, {Body: []byte("2"), Deadline: time.Now().Add(-time.Second)},
	}}
	if v := ask(two); v != "0" {
		t.Errorf("with one deadline past: %q", v)
	}
	if v := ask(one("1")); v != "" {
		t.Errorf("the deadline of another request was sent: %q", v)
	}
}

func TestARedirectNamesTheURLToWrite(t *testing.T) {
	c := at(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/v2/invocations?key=hidden", http.StatusFound)
	})
	_, err := endpoint(t, c).Invoke(t.Context(), one("1"))
	if model.ClassOf(err) != model.ClassNotFound || !strings.Contains(err.Error(), "/v2/invocations if") || strings.Contains(err.Error(), "hidden") {
		t.Errorf("got %v", err)
	}
}

func TestARefusalKeepsWhatTheServerSaidShortAndPrintable(t *testing.T) {
	c := at(t, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "bad\x00\nline "+strings.Repeat("é", 600), http.StatusBadRequest)
	})
	_, err := endpoint(t, c).Invoke(t.Context(), one("1"))
	e, ok := errors.AsType[*model.Error](err)
	if !ok || e.Status != 400 || !strings.HasPrefix(e.Message, "bad  line é") || len(e.Message) > 512 || strings.ContainsRune(e.Message, '?') {
		t.Errorf("got %+v", e)
	}
}

func TestASecretInAFileIsReadAndItsAbsenceNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	c := at(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Token") != "t1" {
			t.Errorf("token %q", r.Header.Get("X-Token"))
		}
		_, _ = io.WriteString(w, "1")
	})
	c.Headers = map[string]setting.Secret{"X-Token": setting.NewSecret("file:" + file)}
	if _, err := New(c, Deps{}); err == nil || !strings.Contains(err.Error(), "headers.X-Token") || !strings.Contains(err.Error(), file) {
		t.Errorf("without the file: %v", err)
	}
	if err := os.WriteFile(file, []byte("t1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := endpoint(t, c).Invoke(t.Context(), one("1")); err != nil {
		t.Error(err)
	}
}

func TestASecretOfTwoLinesIsRefusedWithoutShowingIt(t *testing.T) {
	c := DefaultConfig()
	c.Headers = map[string]setting.Secret{"X-Token": setting.NewSecret("s3cret\r\nX-Evil: 1")}
	if _, err := New(c, Deps{}); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
}

func TestAServerOfAPrivateAuthorityIsTrustedByItsFile(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "1") }))
	defer s.Close()
	c := DefaultConfig()
	c.URL = s.URL
	if _, err := endpoint(t, c).Invoke(t.Context(), one("1")); model.ClassOf(err) != model.ClassConnection || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without the file: %v", err)
	}
	c.CA = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(c.CA, block, 0o600); err != nil {
		t.Fatal(err)
	}
	resp, err := endpoint(t, c).Invoke(t.Context(), one("1"))
	if err != nil || resp.Times.Connect <= 0 {
		t.Errorf("with the file: %+v, %v", resp, err)
	}
}

func TestEndpointsOfOneRegistryShareTheirMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	c := at(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "1") })
	for _, name := range []string{"a", "b"} {
		e, err := New(c, Deps{Name: name, Registerer: registry})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Invoke(t.Context(), one("1")); err != nil {
			t.Fatal(err)
		}
		e.Close()
	}
	families, err := registry.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "betimes_rest_new_connections_total" || len(families[0].GetMetric()) != 2 {
		t.Errorf("got %v, %v", families, err)
	}
}

func TestValidateNamesPathValueAndRemedy(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*Config)
		want string
	}{
		{"no URL", func(c *Config) { c.URL = "" }, "url: it is empty; write for example http://"},
		{"a path", func(c *Config) { c.URL = "/invocations" }, `url: "/invocations" is not an http or https URL`},
		{"another scheme", func(c *Config) { c.URL = "grpc://h:1" }, `"grpc://h:1" is not an http`},
		{"a password", func(c *Config) { c.URL = "http://u:hidden@h/" }, "headers.Authorization"},
		{"a fragment", func(c *Config) { c.URL = "http://h/#x" }, "after #"},
		{"a broken header", func(c *Config) { c.Headers = map[string]setting.Secret{"a b": {}} }, `"a b" is not the name of a header`},
		{"a header of ours", func(c *Config) { c.Headers = map[string]setting.Secret{"content-type": {}} }, "headers.content-type: content-type is set by betimes"},
		{"no connection", func(c *Config) { c.Connections = 0 }, "connections: 0 leaves no connection"},
		{"no time", func(c *Config) { c.Timeout = -time.Second }, "timeout: -1s is not more than 0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := DefaultConfig()
			c.URL = "http://127.0.0.1:9000/invocations"
			if ps := c.Validate(); len(ps) != 0 {
				t.Fatalf("the default: %v", ps)
			}
			tt.edit(&c)
			ps := c.Validate()
			if len(ps) != 1 || !strings.Contains(ps[0].Error(), tt.want) || strings.Contains(ps[0].Error(), "hidden") {
				t.Errorf("got %v, want %q", ps, tt.want)
			}
		})
	}
}

func BenchmarkInvoke(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Server-Timing", "model;dur=0.010")
		_, _ = io.WriteString(w, `{"predictions":[0.5]}`)
	}))
	defer s.Close()
	c := DefaultConfig()
	c.URL = s.URL
	e, err := New(c, Deps{Name: "stub"})
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
