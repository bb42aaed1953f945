//go:build interop

package emulator_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// failing are the errors of the runtime, what clients make of them and how
// often they ask before they give up.
var failing = []struct {
	fault, class, code string
	status             int
	legacy, standard   int // attempts in boto3's retry modes
}{
	{"throttle", "ClientError", "ThrottlingException", 400, 5, 3},
	{"not_ready", "ModelNotReadyException", "ModelNotReadyException", 429, 5, 1},
	{"internal", "InternalFailure", "InternalFailure", 500, 5, 3},
	{"unavailable", "ServiceUnavailable", "ServiceUnavailable", 503, 5, 3},
	{"dependency", "InternalDependencyException", "InternalDependencyException", 530, 1, 1},
	{"model_error", "ModelError", "ModelError", 424, 1, 1},
}

// attempts counts, from the journal, how often each endpoint was called.
func (b *box) attempts() map[string]int {
	b.t.Helper()
	_, journal := b.do("GET", "/_emu/journal", "")
	counts := map[string]int{}
	for line := range strings.Lines(journal) {
		var e struct{ Kind, Operation, Resource string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			b.t.Fatal(err)
		}
		if e.Kind == "request" && e.Operation == "InvokeEndpoint" {
			counts[strings.TrimPrefix(e.Resource, "endpoint/")]++
		}
	}
	return counts
}

// endpointFor makes an endpoint of that name that always fails in one way.
func (b *box) endpointFor(name, fault string) {
	b.t.Helper()
	name = strings.ReplaceAll(name, "_", "-")
	b.deploy(name, "builtin:echo", "", 1)
	b.fault(`{"fault":"` + fault + `","match":{"endpoint":"` + name + `"}}`)
}

func TestInteropBoto3RaisesAndRetriesEachErrorAsItsModeSays(t *testing.T) {
	programs := clients(t)
	t.Parallel()
	b := start(t, "instant", t.TempDir())
	arguments := []string{"testdata/retries.py"}
	modes := []string{"default", "legacy", "standard", "adaptive"} // the default of 1.44 is standard
	for _, f := range failing {
		for _, mode := range modes {
			name := mode + "-" + f.code
			b.endpointFor(name, f.fault)
			arguments = append(arguments, mode+"/"+name)
		}
	}
	c := exec.CommandContext(t.Context(), filepath.Join(programs, "python"), arguments...)
	c.Env, c.Stderr = environment(programs, b.url), t.Output()
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines, counts := strings.Split(strings.TrimSpace(string(out)), "\n"), b.attempts()
	for i, line := range lines {
		f, mode := failing[i/len(modes)], modes[i%len(modes)]
		want := f.standard
		if mode == "legacy" {
			want = f.legacy
		}
		var got struct {
			Endpoint, Class, Code     string
			Status, Retries, Original int
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		if got.Class != f.class || got.Code != f.code || got.Status != f.status || got.Retries != want-1 || counts[got.Endpoint] != want {
			t.Errorf("%s, %s: %s, %d attempts in the journal; want %d", mode, f.fault, line, counts[got.Endpoint], want)
		}
		if f.fault == "model_error" && got.Original != 500 {
			t.Errorf("%s: the original status is %d", mode, got.Original)
		}
	}
	if len(lines) != len(failing)*len(modes) {
		t.Errorf("%d answers: %s", len(lines), out)
	}
}

func TestInteropTheAWSCLIsSayAndRetryEachError(t *testing.T) {
	lines := commandLines(t)
	t.Parallel()
	b := start(t, "instant", t.TempDir())
	body := filepath.Join(t.TempDir(), "answer")
	said := make(map[string]string)
	var mu sync.Mutex
	var all sync.WaitGroup
	for version, program := range lines {
		for _, f := range failing {
			name := "v" + version + "-" + f.code
			b.endpointFor(name, f.fault)
			all.Go(func() {
				c := exec.CommandContext(t.Context(), program, "--endpoint-url", b.url, "sagemaker-runtime", "invoke-endpoint", "--endpoint-name", name, "--body", "fileb:///dev/null", body)
				c.Env = environment(filepath.Dir(program), b.url)
				out, err := c.CombinedOutput()
				mu.Lock()
				defer mu.Unlock()
				said[name] = string(out)
				if err == nil {
					t.Errorf("%s ended well: %s", name, out)
				}
			})
		}
	}
	all.Wait()
	counts := b.attempts()
	for version := range lines {
		for _, f := range failing {
			name, want := "v"+version+"-"+f.code, f.standard
			if version == "1" {
				want = f.legacy
			}
			if !strings.Contains(said[name], "An error occurred ("+f.code+") when calling the InvokeEndpoint operation") || counts[name] != want {
				t.Errorf("CLI %s, %s: %d attempts, want %d; it said %s", version, f.fault, counts[name], want, said[name])
			}
		}
	}
}
