package goclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The modules of the SDK have one file per request and per reply of every
// operation: what its own tests compare with. They are read from Go's module
// cache; nothing of them is kept here.

// modules finds the folder of each module, once.
var modules = sync.OnceValues(func() (map[string]string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Path}} {{.Dir}}", "all").Output()
	if err != nil {
		return nil, fmt.Errorf("go list -m all: %w", err)
	}
	dirs := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		dirs[path[strings.LastIndexByte(path, '/')+1:]] = dir
	}
	return dirs, nil
})

// fixture is one file: a first line, headers, an empty line, a body.
type fixture struct {
	operation, first string
	header           http.Header
	body             []byte
}

func readFixture(path string) (f fixture, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	f.operation, _, _ = strings.Cut(filepath.Base(path), ".")
	first, rest, _ := bytes.Cut(raw, []byte("\n"))
	head, body, _ := bytes.Cut(bytes.TrimPrefix(rest, []byte("\n")), []byte("\n\n")) // requests have an empty line before their headers, too
	f.first, f.header = string(first), http.Header{}
	for line := range strings.Lines(string(head)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		f.header.Add(name, value)
	}
	f.body = body
	return f, nil
}

// requests are the fixtures of all requests of a service.
func requests(t *testing.T, service string) []fixture {
	t.Helper()
	dir := must(modules())(t)[service]
	paths, err := filepath.Glob(filepath.Join(dir, "request_snapshot", "*.request.snap"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s has no fixtures of requests in %q: %v", service, dir, err)
	}
	var all []fixture
	for _, path := range paths {
		all = append(all, must(readFixture(path))(t))
	}
	return all
}

// send sends a fixture, as it is or with the placeholders made names, and gives status, error and body.
func (b *box) send(f fixture, named bool, scope string) (status int, name, body string) {
	b.t.Helper()
	method, path, _ := strings.Cut(f.first, " ")
	content := f.body
	if named && f.header.Get("Content-Type") != "application/cbor" { // whose texts have lengths before them
		path, content = strings.ReplaceAll(path, "__", ""), bytes.ReplaceAll(content, []byte("__"), nil)
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, bytes.NewReader(content))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header = f.header.Clone()
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/"+scope+"/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("X-Amzn-Errortype"), string(raw)
}

// built are the operations that the emulator says it has, by service.
func (b *box) built() map[string][]string {
	b.t.Helper()
	var all map[string][]string
	if err := json.Unmarshal(b.own("GET", "/_emu/operations", nil), &all); err != nil || len(all["sagemaker"]) < 30 || len(all["s3"]) < 20 {
		b.t.Fatalf("the emulator has %v, %v", all, err)
	}
	return all
}

func TestEveryRequestOfTheSDKIsUnderstoodOrRefusedByName(t *testing.T) {
	t.Parallel()
	b := start(t, "realistic")
	all := b.built()
	for _, c := range []struct{ module, service, scope string }{
		{"sagemaker", "sagemaker", "sagemaker"}, {"sagemakerruntime", "sagemaker-runtime", "sagemaker"}, {"cloudwatch", "cloudwatch", "monitoring"},
		{"sns", "sns", "sns"}, {"sqs", "sqs", "sqs"}, {"sts", "sts", "sts"},
	} {
		for _, f := range requests(t, c.module) {
			for _, named := range []bool{false, true} {
				status, name, body := b.send(f, named, c.scope)
				built, unknown := slices.Contains(all[c.service], f.operation), strings.Contains(name+body, "UnknownOperation") || strings.Contains(body, "InvalidAction")
				switch {
				case status != 200 && status != 400 && status != 404:
					t.Errorf("%s was answered %d %s", f.operation, status, body)
				case built && (unknown || strings.Contains(name+body, "Serialization")):
					t.Errorf("%s was not understood: %d %s %s", f.operation, status, name, body)
				case !built && (status != 400 || !unknown || !strings.Contains(body, f.operation)):
					t.Errorf("%s was not refused by name: %d %s %s", f.operation, status, name, body)
				}
			}
		}
	}
}

func TestWhatIsNotBuiltOfS3IsRefusedByName(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	b.bucket("kept", "Key", "x")
	others := []string{"ListDirectoryBuckets", "WriteGetObjectResponse"} // are signed for other services
	built := append(others, b.built()["s3"]...)                          // which the walks call
	for _, f := range requests(t, "s3") {
		if slices.Contains(built, f.operation) {
			continue
		}
		method, path, _ := strings.Cut(f.first, " ")
		f.first = method + " /kept" + path // the fixtures have the bucket in the host's name
		if status, _, body := b.send(f, true, "s3"); status != http.StatusBadRequest || !strings.Contains(body, "<Code>NotImplemented</Code>") {
			t.Errorf("%s, %s, was not refused: %d %s", f.operation, f.first, status, body)
		}
	}
	if got, err := b.object(t.Context(), "s3://kept/Key"); err != nil || got != "x" {
		t.Errorf("afterwards the object is %q, %v", got, err)
	}
}
