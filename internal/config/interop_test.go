//go:build interop

package config

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mermaid fetches the pinned library once, into the cache folder, and gives the
// folder that holds node_modules.
func mermaid(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("BETIMES_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(user, "betimes")
	}
	dir := filepath.Join(cache, "mermaid")
	if _, err := os.Stat(filepath.Join(dir, "complete")); err == nil {
		return dir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), "npm", "install", "--no-audit", "--no-fund", "--prefix", dir, "mermaid@12.3.0", "playwright-core@1.65.1")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "complete"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMermaidDrawsEveryExample(t *testing.T) {
	dir := mermaid(t)
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("testdata/render.mjs")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range examples(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			l, err := Load(file, Options{Env: env()})
			if err != nil {
				t.Fatal(err)
			}
			render := exec.CommandContext(t.Context(), "node", script, browser, filepath.Join(t.ArtifactDir(), "drawing.png"))
			render.Dir, render.Stdin, render.Stderr = dir, strings.NewReader(Diagram(l.Config)), os.Stderr
			out, err := render.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			isDrawn(t, out, l.Config)
		})
	}
}

// isDrawn checks that the parts of the system's drawing are in the picture.
func isDrawn(t *testing.T, out []byte, c Config) {
	t.Helper()
	var drawn struct {
		Nodes, Clusters []string
		Edges           int
	}
	if err := json.Unmarshal(out, &drawn); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, part := range []string{"Producers", "Data Preprocessor", "Broker 1", "Load Balancer", c.Kafka.Topics.Events.Name, "stream", "feature", "Latency Monitor", "Monitoring Dashboard"} {
		if !slices.ContainsFunc(drawn.Nodes, func(n string) bool { return strings.HasPrefix(joined(n), joined(part)) }) {
			t.Errorf("no node %s in %q", part, drawn.Nodes)
		}
	}
	if len(drawn.Clusters) != 3 || drawn.Edges < 10 {
		t.Errorf("%d clusters, %d arrows", len(drawn.Clusters), drawn.Edges)
	}
}

// joined leaves spaces out: where the picture breaks a line, it has none.
func joined(text string) string { return strings.ReplaceAll(text, " ", "") }
