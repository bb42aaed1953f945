package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// changes says whether a request changes anything, or asks the model.
func changes(r *http.Request) bool {
	for _, reading := range []string{"Describe", "List", "Get", "GET ", "HEAD "} {
		if strings.HasPrefix(operation(r), reading) {
			return false
		}
	}
	return true
}

// killer ends a program at the nth request that changes something.
type killer struct {
	nth      int  // from 1; 0: it counts only
	answered bool // the request is carried out, its answer is lost
	next     http.Handler
	process  chan *os.Process // gets the program once it runs

	mu   sync.Mutex
	seen []string
}

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !k.now(r) {
		k.next.ServeHTTP(w, r)
		return
	}
	if k.answered {
		k.next.ServeHTTP(httptest.NewRecorder(), r)
	}
	_, _ = io.Copy(io.Discard, r.Body) // else the end of the connection is not noticed
	_ = (<-k.process).Kill()
	<-r.Context().Done() // it has no connection any more
}

func (k *killer) now(r *http.Request) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if changes(r) {
		k.seen = append(k.seen, operation(r))
	}
	return k.nth > 0 && changes(r) && len(k.seen) == k.nth
}

// named are the holdings of one pipeline, whose names all begin with it.
func (h holdings) named(name string) holdings {
	mine := func(all []string) (mine []string) {
		for _, one := range all {
			if strings.HasPrefix(one, name+"-m") {
				mine = append(mine, one)
			}
		}
		return mine
	}
	objects := func(all []any, member string) (mine []any) {
		for _, one := range all {
			if text := fmt.Sprint(one.(map[string]any)[member]); text == name || strings.HasPrefix(text, name+"-m") {
				mine = append(mine, text)
			}
		}
		return mine
	}
	return holdings{
		map[string]int{name: h.Buckets[name]}, objects(h.Jobs, "TrainingJobName"), mine(h.Models), mine(h.Configs),
		objects(h.Endpoints, "EndpointName"), mine(h.Groups), mine(h.Packages),
	}
}

// trainedThrough runs betimes train for a pipeline with a name, bucket and
// endpoint of its own.
func trainedThrough(t *testing.T, k *killer, dir, name string) (out, told string, err error) {
	t.Helper()
	s := httptest.NewServer(k)
	defer s.Close()
	cmd := betimes(t.Context(), dir, nil, "train", "m.yaml", "--deploy=yes",
		"--set", "name="+name, "--set", "aws.bucket="+name, "--set", "models.m.sagemaker.endpoint="+name, "--set", "aws.endpoint_url="+s.URL)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	k.process <- cmd.Process
	err = cmd.Wait()
	return stdout.String(), stderr.String(), err
}

func (c *cloud) killer(nth int, answered bool) *killer {
	return &killer{nth: nth, answered: answered, next: c, process: make(chan *os.Process, 1)}
}

func digestIn(report string) string {
	_, after, _ := strings.Cut(report, "sha256")
	digest, _, _ := strings.Cut(strings.TrimSpace(after), "\n")
	return digest
}

func TestATrainingKilledAtAnyChangeIsTakenUpAndLeavesNothingBeside(t *testing.T) {
	c := newCloud(t)
	dir := lessonFiles(t, c.url)
	count := c.killer(0, false)
	out, told, err := trainedThrough(t, count, dir, "whole")
	if err != nil {
		t.Fatalf("%v\n%s", err, told)
	}
	want := c.holds(t).named("whole")
	for _, step := range []string{"PUT /whole", "CreateTrainingJob", "CreateEndpoint", "DeleteEndpoint", "CreateModelPackage", "UpdateModelPackage", "DELETE /whole/whole-m/unfinished.json"} {
		if !slices.Contains(count.seen, step) {
			t.Errorf("%s is not in %q", step, count.seen)
		}
	}
	for i, change := range count.seen {
		for _, answered := range []bool{false, true} {
			name := fmt.Sprintf("k%d-%t", i+1, answered)
			t.Run(fmt.Sprintf("%s at %s, carried out %t", name, strings.ReplaceAll(change, "/", " "), answered), func(t *testing.T) {
				t.Parallel()
				if _, told, err := trainedThrough(t, c.killer(i+1, answered), dir, name); err == nil || !strings.Contains(err.Error(), "killed") {
					t.Fatalf("not killed: %v\n%s", err, told)
				}
				again, told, err := trainedThrough(t, c.killer(0, false), dir, name)
				if err != nil || !strings.Contains(again, "version 1 is in service") || digestIn(again) != digestIn(out) {
					t.Fatalf("%v\n%s%s", err, told, again)
				}
				got := c.holds(t).named(name)
				if got.shape() != want.shape() {
					t.Errorf("left %s, want %s: %+v", got.shape(), want.shape(), got)
				}
			})
		}
	}
}

// shape is how many there are of each kind.
func (h holdings) shape() string {
	objects := 0
	for _, n := range h.Buckets {
		objects += n
	}
	return fmt.Sprintf("%d objects, %d jobs, %d models, %d configs, %d endpoints, %d groups, %d versions",
		objects, len(h.Jobs), len(h.Models), len(h.Configs), len(h.Endpoints), len(h.Groups), len(h.Packages))
}
