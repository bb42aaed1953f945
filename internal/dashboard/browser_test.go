//go:build interop

package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"betimes/internal/admin"
	"betimes/internal/listen"
	"betimes/internal/setting"

	"github.com/prometheus/client_golang/prometheus"
)

// serve runs a Dashboard behind the admin listener, with its content policy.
func serve(t *testing.T, d *Dashboard, tokens ...listen.TokenConfig) string {
	t.Helper()
	s, err := admin.New(admin.Config{Listen: "127.0.0.1:0", Tokens: tokens}, admin.Deps{Gatherer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	d.Mount(s.Mount)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + s.Addr()
}

// chromium runs a headless browser on url and gives its standard output.
func chromium(t *testing.T, url string, flags ...string) string {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("this test needs the Debian package chromium: ", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	args := append([]string{
		"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir=" + t.TempDir(), "--enable-logging=stderr", "--virtual-time-budget=4000",
	}, flags...)
	command := exec.CommandContext(ctx, path, append(args, url)...)
	var complaints strings.Builder
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	for line := range strings.Lines(complaints.String()) {
		if strings.Contains(line, "CONSOLE") && !strings.Contains(line, "401 (Unauthorized)") && !strings.Contains(line, "404 (Not Found)") {
			t.Error("the browser complains: ", line)
		}
	}
	return string(out)
}

func TestThePageShowsTheTotalsOfTheAPI(t *testing.T) {
	url := serve(t, newDashboard(t, true))
	dom := chromium(t, url+"/", "--dump-dom")
	resp, err := http.Get(url + "/api/v1/summary?window=5m")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var s Summary
	if body, err := io.ReadAll(resp.Body); err != nil || json.Unmarshal(body, &s) != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		"events":            grouped(s.Latency.Event.Count),
		"outcome-predicted": grouped(s.Latency.Outcomes["predicted"]),
		"outcome-late":      grouped(s.Latency.Outcomes["late"]),
		"outcome-accepted":  grouped(s.Latency.Outcomes["accepted"]),
		"lag-records":       grouped(s.Lag.Records),
		"pipeline":          s.Pipeline,
		"verdict-remedy":    s.Why.Remedy,
		"gate-bound":        grouped(int64(s.Admission.BoundPerS)) + "/s",
	} {
		found := regexp.MustCompile(`id="` + id + `"[^>]*>([^<]*)<`).FindStringSubmatch(dom)
		if found == nil || found[1] != want {
			t.Errorf("%s: the page says %q, the API %q", id, found, want)
		}
	}
	for _, row := range s.Latency.Stages {
		if !strings.Contains(dom, `<tr data-stage="`+row.Stage+`"`) {
			t.Errorf("the waterfall has no row for %s", row.Stage)
		}
	}
	for _, want := range []string{"60 won, 120 lost, not made: 15 busy", "◆ left alone", "3 of 16", "would be late", "took all who waited", "6 of priority 5, the first for 2.3 ms", "3–4", "<strong>card-4711</strong><span> partition 3, stream-0: 40 % of the events, 8/s</span>"} {
		if !strings.Contains(dom, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if got, want := strings.Count(dom, `<g class="box`), len(s.Topology.Boxes); got != want {
		t.Errorf("the drawing has %d boxes, the API %d", got, want)
	}
	if got, want := strings.Count(dom, `aria-label="events `), len(s.Lag.Partitions); got != want {
		t.Errorf("the page has %d partitions, the API %d", got, want)
	}
}

func grouped(n int64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

func TestWithoutItsTokenThePageAsksForIt(t *testing.T) {
	url := serve(t, newDashboard(t, true), listen.TokenConfig{Name: "ann", Role: listen.RoleRead, Token: setting.NewSecret("t0ken")})
	dom := chromium(t, url+"/", "--dump-dom")
	if !strings.Contains(dom, `id="login" class="card">`) || strings.Contains(dom, "v1-simplified") {
		t.Error("the page does not ask for a token, or shows figures without one")
	}
}

// TestPictures looks at the page as people do. With SCREENSHOTS set to a folder
// the pictures stay there.
func TestPictures(t *testing.T) {
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		folder = t.TempDir()
	}
	trouble, healthy := serve(t, newDashboard(t, true)), serve(t, newDashboard(t, false))
	for name, c := range map[string]struct {
		url, size string
		flags     []string
	}{
		"light-trouble": {trouble, "1280,2450", nil},
		"dark-healthy":  {healthy, "1280,2450", []string{"--blink-settings=preferredColorScheme=0"}},
		"narrow":        {trouble, "500,4300", nil},
		"event":         {healthy + "/#event=good", "1280,3000", nil},
		"dead":          {healthy + "/#event=dead", "500,5200", nil},
		"unknown-event": {healthy + "/#event=nobody", "1280,2700", []string{"--blink-settings=preferredColorScheme=0"}},
	} {
		path := filepath.Join(folder, name+".png")
		chromium(t, c.url, append(c.flags, "--window-size="+c.size, "--screenshot="+path)...)
		if info, err := os.Stat(path); err != nil || info.Size() < 20_000 {
			t.Errorf("%s: %v, an empty picture", name, err)
		}
	}
}
