package app

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"betimes/internal/config"
	"betimes/internal/flow/admit"
	"betimes/internal/flow/balance"
	"betimes/internal/oip"
	"betimes/internal/rest"
	"betimes/internal/sagemaker"
)

var update = flag.Bool("update", false, "write docs/metrics.md anew")

// onFreePorts is V1 with nothing fixed.
const onFreePorts = `
name: test
kafka: {embedded: {listen: "127.0.0.1:0"}}
flow: {gateway: {listen: "127.0.0.1:0"}}
lab: {emulator: {listen: "127.0.0.1:0", profile: instant}}
admin: {listen: "127.0.0.1:0"}
`

// startUp starts up with nothing else in its file.
func startUp(t *testing.T) (*App, Addresses) {
	t.Helper()
	return startFile(t, onFreePorts)
}

// startFile starts up and returns it with its addresses; it is drained with the test.
func startFile(t *testing.T, file string) (*App, Addresses) {
	t.Helper()
	loaded, err := config.Parse("test.yaml", []byte(file), config.Options{Env: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(loaded, Options{Role: "up", Temporary: true, Log: slog.New(slog.DiscardHandler), Version: "test", Reload: func() (*config.Loaded, error) { return loaded, nil }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ready := make(chan Addresses, 1)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, func(at Addresses) { ready <- at }) }()
	select {
	case at := <-ready:
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
		return a, at
	case err := <-ended:
		stop()
		t.Fatal(err)
	}
	return nil, Addresses{}
}

// patience is more than Kafka takes by default to miss a member of KIP-848, 45 s, and more
// than a machine stalls.
const patience = 2 * time.Minute

// post sends an event and waits for its end. One that took longer than the gateway or the
// brokers wait is sent once more, as a client would.
func post(t *testing.T, at Addresses, body string) (code int, text string) {
	t.Helper()
	for until := time.Now().Add(patience); ; {
		code, text = postOnce(t, at, body)
		if code != http.StatusAccepted && code != http.StatusServiceUnavailable || time.Now().After(until) {
			return code, text
		}
	}
}

func postOnce(t *testing.T, at Addresses, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+at.Gateway+"/v1/events", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Prefer", "wait=30")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestUpAnswersAnEventWithItsPredictionAndDocumentsItsMetrics(t *testing.T) {
	a, at := startUp(t)
	code, text := post(t, at, `{"id":"p-1","card_token":"c","amount":12.5,"hour":3,"country_risk":0.5,"merchant_risk":0.5}`)
	var p struct {
		Prediction float64          `json:"prediction"`
		StagesUS   map[string]int64 `json:"stages_us"`
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil || code != http.StatusOK || p.Prediction <= 0 || p.Prediction >= 1 {
		t.Fatalf("%d %s", code, text)
	}
	for _, stage := range []string{"gateway", "produce", "broker", "queue", "feature", "balance", "network", "model"} {
		if _, ok := p.StagesUS[stage]; !ok {
			t.Errorf("the prediction does not say how long %s took", stage)
		}
	}
	checkInstances(t, at)
	checkMetricsPage(t, a)
}

// checkInstances waits until every role of up is heard of where it listens.
func checkInstances(t *testing.T, at Addresses) {
	t.Helper()
	var heard struct {
		Instances []struct{ Role, Admin string }
	}
	for until := time.Now().Add(patience); len(heard.Instances) < 3 && time.Now().Before(until); runtime.Gosched() {
		resp, err := http.Get("http://" + at.Dashboard + "/api/v1/instances")
		if err != nil {
			t.Fatal(err)
		}
		err = json.NewDecoder(resp.Body).Decode(&heard)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, one := range heard.Instances {
		if one.Admin != at.Dashboard {
			t.Errorf("the pulse of %s names %s, it listens at %s", one.Role, one.Admin, at.Dashboard)
		}
	}
	if len(heard.Instances) < 3 {
		t.Errorf("heard only of %v", heard.Instances)
	}
}

// checkMetricsPage compares docs/metrics.md with what is registered.
func checkMetricsPage(t *testing.T, a *App) {
	otherDoors(t, a)
	once, _ := startFile(t, strings.Replace(onFreePorts, "flow: {", "flow: {stream: {guarantee: exactly_once}, ", 1))
	families := append(gathered(t, a, "betimes_latency_stage_seconds"), gathered(t, once, "betimes_kafka_transaction_version")...)
	var rows []string
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "betimes_") {
			rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), f.GetHelp()))
		}
	}
	slices.Sort(rows)
	rows = slices.Compact(rows)
	page := "# Metrics\n\nEvery role serves `/metrics`. All have the label `pipeline`. A test keeps this page equal to what is registered (`go test ./internal/app -update`).\n\n| metric | kind | what it says |\n|---|---|---|\n" + strings.Join(rows, "")
	const file = "../../docs/metrics.md"
	if *update {
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil || string(have) != page {
		t.Errorf("docs/metrics.md does not equal what is registered; run: go test ./internal/app -update\n%s", diffLines(string(have), page))
	}
}

// otherDoors opens those that the file has no model for.
func otherDoors(t *testing.T, a *App) {
	t.Helper()
	r, o := rest.DefaultConfig(), oip.DefaultConfig()
	r.URL, o.URL, o.Model = "http://127.0.0.1:1/x", "http://127.0.0.1:1", "m"
	one, err := rest.New(r, rest.Deps{Name: "rest", Registerer: a.metrics})
	if err != nil {
		t.Fatal(err)
	}
	other, err := oip.New(o, oip.Deps{Name: "oip", Registerer: a.metrics})
	if err != nil {
		t.Fatal(err)
	}
	admit.New(admit.DefaultConfig(), one, admit.Deps{Registerer: a.metrics})
	hedge := balance.DefaultHedge()
	balance.Among(balance.Config{Hedge: &hedge}, []balance.Route{{Door: one}, {Door: one}}, balance.Deps{Registerer: a.metrics})
	account, err := a.openAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s, later := sagemaker.DefaultConfig(), sagemaker.DefaultAsync()
	s.Endpoint, s.Async = "later", &later
	third, err := account.Async(s)
	if err != nil {
		t.Fatal(err)
	}
	one.Close()
	other.Close()
	third.Close()
}

// gathered waits until the metric is there: a prediction can be read a moment
// before its acknowledgement is counted.
func gathered(t *testing.T, a *App, name string) []*dto.MetricFamily {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); runtime.Gosched() {
		families, err := a.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == name }) {
			return families
		}
	}
	t.Fatalf("%s does not come", name)
	return nil
}

func diffLines(a, b string) string {
	var out strings.Builder
	have := strings.Split(a, "\n")
	for _, line := range strings.Split(b, "\n") {
		if !slices.Contains(have, line) {
			out.WriteString("+ " + line + "\n")
		}
	}
	want := strings.Split(b, "\n")
	for _, line := range have {
		if !slices.Contains(want, line) {
			out.WriteString("- " + line + "\n")
		}
	}
	return out.String()
}

func TestASecondProcessOnTheSameFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	held, err := openFolder(dir, "stream")
	if err != nil {
		t.Fatal(err)
	}
	defer held.close()
	loaded, err := config.Parse("test.yaml", []byte("data_dir: "+dir+oneModel), config.Options{Env: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(loaded, Options{Role: "stream"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := a.Run(ctx, nil); err == nil || !strings.Contains(err.Error(), "in use by another betimes") {
		t.Error(err)
	}
}

func TestADrainingProcessIsUnreadyOnEveryListener(t *testing.T) {
	a, at := startUp(t)
	a.drain()
	for _, addr := range []string{at.Gateway, at.Dashboard} {
		resp, err := http.Get("http://" + addr + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s answers %s", addr, resp.Status)
		}
	}
}

// endings is how many events ended where.
func endings(t *testing.T, a *App) map[string]float64 {
	t.Helper()
	ends := map[string]float64{}
	for _, f := range gathered(t, a, "betimes_stream_events_total") {
		if f.GetName() != "betimes_stream_events_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "outcome" {
					ends[l.GetValue()] += m.GetCounter().GetValue()
				}
			}
		}
	}
	return ends
}

func TestAnEventWhoseTimeIsOverEndsOnceInShed(t *testing.T) {
	// Only the event that says so has little time.
	a, at := startFile(t, "objective: {latency: 10m}"+strings.Replace(onFreePorts, "flow: {", "flow: {admit: {late: shed}, ", 1))
	body := `{"id":"p-1","card_token":"c","amount":12.5,"hour":3,"country_risk":0.5,"merchant_risk":0.5}`
	if code, text := post(t, at, body); code != http.StatusOK || !strings.Contains(text, `"status":"ok"`) {
		t.Fatalf("in time: %d %s", code, text)
	}
	slower, err := http.Post("http://"+at.AWS+"/_emu/faults", "application/json", strings.NewReader(`{"match":{"operation":"InvokeEndpoint"},"fault":"latency","add":"50ms"}`))
	if err != nil || slower.StatusCode >= 300 {
		t.Fatal(slower, err)
	}
	slower.Body.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+at.Gateway+"/v1/events", strings.NewReader(strings.Replace(body, "p-1", "p-2", 1)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Prefer", "wait=30")
	req.Header.Set("X-Deadline-Ms", "1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	// What an event before took may be known by then, or not.
	if !regexp.MustCompile(`"place":"shed".*"reason":"(would_be_)?late","error":"model fraud: [0-9.]+ms .*"decisions":"admit:.*late:left=`).Match(text) {
		t.Errorf("%s", text)
	}
	ends := allEndings(t, a, 2)
	if ends["shed"] != 1 || ends["predicted"] != 1 || ends["dead_letter"] != 0 {
		t.Errorf("%v", ends)
	}
}
