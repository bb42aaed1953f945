//go:build interop

package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"betimes/internal/config"
	"betimes/internal/lab/realkafka"
)

// TestInteropExamplesRunOnApacheKafka runs up with the examples as they are, but
// for ports and folders: the brokers ask for what each of them brings.
func TestInteropExamplesRunOnApacheKafka(t *testing.T) {
	all := realkafka.Security{TLS: true, Login: true}
	for name, tt := range map[string]struct {
		file     string
		security realkafka.Security
		set      []string
	}{
		"kafka-real":                              {"kafka-real", realkafka.Security{}, nil},
		"kafka-real, encrypted, with a login":     {"kafka-real", all, []string{"kafka.tls.ca=CA", "kafka.sasl.mechanism=scram-sha-512", "kafka.sasl.username=" + realkafka.User, "kafka.sasl.password=" + realkafka.Password}},
		"redpanda-tls-scram":                      {"redpanda-tls-scram", all, nil},
		"redpanda-tls-scram, mutual certificates": {"redpanda-tls-scram", realkafka.Security{TLS: true, Login: true, Certificate: true}, []string{"kafka.tls.cert=CERT", "kafka.tls.key=KEY"}},
	} {
		t.Run(name, func(t *testing.T) {
			model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, `{"score":0.5}`)
			}))
			t.Cleanup(model.Close)
			brokers := realkafka.Start(t, realkafka.Config{Brokers: 3, Together: 3, Security: tt.security})
			door := brokers.Door()
			env := map[string]string{"KAFKA": strings.Join(brokers.Addrs(), ","), "MODEL_URL": model.URL + "/invocations", "KAFKA_USER": realkafka.User, "KAFKA_PASSWORD": realkafka.Password}
			files := strings.NewReplacer()
			if door.TLS != nil {
				env["KAFKA_CA"] = door.TLS.CA
				files = strings.NewReplacer("=CA", "="+door.TLS.CA, "=CERT", "="+door.TLS.Cert, "=KEY", "="+door.TLS.Key)
			}
			set := []string{"data_dir=" + t.TempDir(), "flow.gateway.listen=127.0.0.1:0", "admin.listen=127.0.0.1:0"}
			for _, one := range tt.set {
				set = append(set, files.Replace(one))
			}
			predictOne(t, "../../examples/"+tt.file+".yaml", config.Options{Set: set, Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
		})
	}
}

// predictOne runs up with a file and sends one event, whose prediction comes back.
func predictOne(t *testing.T, file string, options config.Options) {
	t.Helper()
	loaded, err := config.Load(file, options)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(loaded, Options{Role: "up", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan Addresses, 1), make(chan error, 1)
	go func() { ended <- a.Run(ctx, func(at Addresses) { ready <- at }) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	select {
	case at := <-ready:
		code, text := post(t, at, `{"id":"p-1","card_token":"c","amount":12.5,"hour":3,"country_risk":0.5,"merchant_risk":0.5}`)
		if code != http.StatusOK || !strings.Contains(text, `"score":0.5`) {
			t.Errorf("%d %s", code, text)
		}
	case err := <-ended:
		ended <- nil // told here
		t.Fatal(err)
	}
}

// TestInteropARefusedLoginIsOneSentence starts up with what the brokers do not
// take. No secret is told.
func TestInteropARefusedLoginIsOneSentence(t *testing.T) {
	brokers := realkafka.Start(t, realkafka.Config{Brokers: 1, Security: realkafka.Security{TLS: true, Login: true}})
	door := brokers.Door()
	giver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":"invalid_client"}`)
	}))
	t.Cleanup(giver.Close)
	tokens := `{mechanism: oauthbearer, oauth: {token_url: "` + giver.URL + `", client_id: betimes, client_secret: open-barley}}`
	for name, tt := range map[string]struct{ sasl, want string }{
		"a wrong password":      {"{mechanism: scram-sha-256, username: ali, password: open-barley}", `kafka.sasl.password: the brokers refuse the login of "ali" by scram-sha-256`},
		"a wrong client secret": {tokens, "kafka.sasl.oauth.token_url: no token from " + giver.URL + `: it answers 401 Unauthorized "invalid_client"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := fmt.Sprintf("name: refused\ndata_dir: %s\nkafka: {seeds: [%q], tls: {ca: %q}, sasl: %s}\nmodels: {m: {rest: {url: \"http://127.0.0.1:1\"}}}\n"+
				"flow: {gateway: {listen: \"127.0.0.1:0\"}, stream: {from: latest}}\nadmin: {listen: \"127.0.0.1:0\"}\n", t.TempDir(), door.Seeds[0], door.TLS.CA, tt.sasl)
			loaded, err := config.Parse("refused.yaml", []byte(file), config.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var log lockedText
			a, err := New(loaded, Options{Role: "up", Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			if err != nil {
				t.Fatal(err)
			}
			err = a.Run(t.Context(), func(Addresses) { t.Error("it runs") })
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error is %v, want %q", err, tt.want)
			}
			if strings.Contains(log.String()+err.Error(), "barley") {
				t.Errorf("the secret is told: %v\n%s", err, log.String())
			}
		})
	}
}

// lockedText may be written and read by many.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
