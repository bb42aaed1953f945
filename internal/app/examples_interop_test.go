//go:build interop

package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
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
