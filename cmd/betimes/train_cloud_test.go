package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"betimes/internal/app"
	"betimes/internal/config"
)

// cloud is an emulator that verifies signatures, behind a door that a test watches.
type cloud struct {
	url  string // of the door
	next *httputil.ReverseProxy

	mu   sync.Mutex
	door func(w http.ResponseWriter, r *http.Request) // nil: every request passes
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf("name: cloud\ndata_dir: %q\nlab: {emulator: {listen: '127.0.0.1:0', profile: instant, auth: verify, keys: {ONE: first}}}\nadmin: {listen: '127.0.0.1:0'}\n", dir)
	loaded, err := config.Parse(filepath.Join(dir, "cloud.yaml"), []byte(text), config.Options{Env: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(loaded, app.Options{Role: "emulate", Log: slog.New(slog.DiscardHandler), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan app.Addresses, 1), make(chan error, 1)
	go func() { ended <- a.Run(ctx, func(at app.Addresses) { ready <- at }) }()
	t.Cleanup(func() { stop(); <-ended })
	select {
	case at := <-ready:
		return newDoor(t, at.AWS)
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	}
	return nil
}

func newDoor(t *testing.T, emulator string) *cloud {
	c := &cloud{next: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: emulator})
			r.Out.Host = r.In.Host // which was signed
		},
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // of programs that were killed
	}}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	c.url = s.URL
	return c
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	door := c.door
	c.mu.Unlock()
	if door == nil || strings.HasPrefix(r.URL.Path, "/_emu/") {
		c.next.ServeHTTP(w, r)
		return
	}
	door(w, r)
}

func (c *cloud) watch(door func(w http.ResponseWriter, r *http.Request)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.door = door
}

// operation is what a request asks for: CreateTrainingJob, PUT /bucket/key.
func operation(r *http.Request) string {
	if _, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return name
	}
	return r.Method + " " + r.URL.Path
}

// holdings are all that an account may be left with.
type holdings struct {
	Buckets   map[string]int `json:"buckets"` // objects in each
	Jobs      []any          `json:"training_jobs"`
	Models    []string       `json:"models"`
	Configs   []string       `json:"endpoint_configs"`
	Endpoints []any          `json:"endpoints"`
	Groups    []string       `json:"model_package_groups"`
	Packages  []string       `json:"model_packages"`
}

func (c *cloud) holds(t *testing.T) holdings {
	t.Helper()
	var h holdings
	if err := json.Unmarshal(c.ask(t, http.MethodGet, "/_emu/state"), &h); err != nil {
		t.Fatal(err)
	}
	return h
}

func (c *cloud) ask(t *testing.T, method, path string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %d %s %v", method, path, answer.StatusCode, body, err)
	}
	return body
}

// nothing says whether the account holds nothing, empty buckets apart.
func (h holdings) nothing() bool {
	for _, objects := range h.Buckets {
		if objects > 0 {
			return false
		}
	}
	return len(h.Jobs)+len(h.Models)+len(h.Configs)+len(h.Endpoints)+len(h.Groups)+len(h.Packages) == 0
}

// lessonFiles writes what a model m is trained with, and gives the folder.
func lessonFiles(t *testing.T, url string) string {
	t.Helper()
	dir := t.TempDir()
	var rows strings.Builder
	rows.WriteString("y,a\n")
	for i := range 60 {
		fmt.Fprintf(&rows, "%d,%d.%d\n", i%2, i%2, i)
	}
	for name, text := range map[string]string{
		"m.yaml": fmt.Sprintf(`kafka: {seeds: ["127.0.0.1:1"]}
flow: {stream: {from: latest}}
aws: {endpoint_url: %q}
models: {m: {sagemaker: {endpoint: m, region: us-east-1}, train: {algorithm: xgboost, data: good.csv, label: y, held_out: 40%%, hyperparameters: {num_round: 2}}}}
`, url),
		"good.csv": rows.String(), "broken.csv": rows.String() + "0,x\n", "ragged.csv": rows.String() + "0,1,2\n", "empty.csv": "",
		"one.csv": strings.ReplaceAll(rows.String(), "\n1,", "\n0,"), "broken.ndjson": "{\"y\":1,\"a\":1}\n{\"y\":0\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// betimes prepares a run of the program in a folder. env adds to an environment
// that knows the emulator's key.
func betimes(ctx context.Context, dir string, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "betimes", args...)
	cmd.Dir = dir
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AWS_ACCESS_KEY_ID=ONE", "AWS_SECRET_ACCESS_KEY=first", "AWS_EC2_METADATA_DISABLED=true",
	}, env...)
	return cmd
}
