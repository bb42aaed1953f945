package fleet

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/lab/emulator/engine"
	"betimes/internal/lab/learn"
)

// slow is a container whose calls take a second.
type slow struct{ inProcess }

func (slow) Invoke(_ context.Context, call *Call) (Answer, error) {
	time.Sleep(time.Second)
	return Answer{Status: 200, Body: call.Body}, nil
}

func TestCallsWaitForAWorkerInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &Instance{Number: 1}
		i.enter(slow{inProcess{2}})
		queued := make([]time.Duration, 6)
		for n := range queued {
			time.Sleep(time.Millisecond) // so that they come in order
			go func() {
				_, timing, err := i.Invoke(context.Background(), &Call{}, nil)
				if err != nil || timing.Compute != time.Second {
					t.Errorf("call %d: %v, %v", n, timing, err)
				}
				queued[n] = timing.Queue.Round(100 * time.Millisecond)
			}()
		}
		synctest.Wait()
		if i.Outstanding() != 6 {
			t.Errorf("%d outstanding, want 6", i.Outstanding())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []time.Duration{0, 0, time.Second, time.Second, 2 * time.Second, 2 * time.Second}
		if !slices.Equal(queued, want) || i.Outstanding() != 0 {
			t.Errorf("queued %v, want %v; %d outstanding", queued, want, i.Outstanding())
		}
	})
}

func TestACallThatCannotWaitLongerLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &Instance{}
		i.enter(slow{inProcess{1}})
		go func() { _, _, _ = i.Invoke(context.Background(), &Call{}, nil) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		if _, timing, err := i.Invoke(ctx, &Call{}, nil); err != context.DeadlineExceeded || timing.Queue != time.Millisecond {
			t.Errorf("%v, %v", timing, err)
		}
		time.Sleep(time.Minute)
	})
}

func TestAnInstanceWithoutContainerIsNotReady(t *testing.T) {
	i := &Instance{}
	if _, _, err := i.Invoke(t.Context(), &Call{}, nil); err != ErrNotReady || i.Ready() {
		t.Errorf("error %v", err)
	}
}

func TestAProfileTakesItsTimeAndScoresARecordTheSameInAnyBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := newProfile("p50=8ms&p99=40ms&workers=3", 1)
		if err != nil || p.Workers() != 3 {
			t.Fatalf("%v workers, %v", p, err)
		}
		took := make([]time.Duration, 2000)
		for n := range took {
			began := time.Now()
			if _, err := p.Invoke(t.Context(), &Call{ContentType: "text/csv", Body: []byte("1,2")}); err != nil {
				t.Fatal(err)
			}
			took[n] = time.Since(began)
		}
		slices.Sort(took)
		median, tail := took[1000], took[1980]
		if math.Abs(median.Seconds()-0.008) > 0.001 || math.Abs(tail.Seconds()-0.040) > 0.012 {
			t.Errorf("median %s and 99th percentile %s, want about 8ms and 40ms", median, tail)
		}
		alone, _ := p.Invoke(t.Context(), &Call{ContentType: "text/csv", Body: []byte("3,4")})
		together, _ := p.Invoke(t.Context(), &Call{ContentType: "text/csv", Body: []byte("1,2\n3,4\n")})
		if !strings.HasSuffix(string(together.Body), string(alone.Body)) || strings.Count(string(together.Body), "\n") != 2 {
			t.Errorf("alone %s, together %s", alone.Body, together.Body)
		}
		json, _ := p.Invoke(t.Context(), &Call{ContentType: "application/json", Body: []byte(`{"instances":[{"a":1},{"a":2}]}`)})
		if strings.Count(string(json.Body), `"score"`) != 2 {
			t.Errorf("JSON answer %s", json.Body)
		}
	})
}

func TestWrongProfilesAreNamed(t *testing.T) {
	for _, c := range []struct{ query, says string }{
		{"p50=x", "p50: "},
		{"p50=10ms&p99=1ms", "p99 of 1ms is less than p50 of 10ms"},
		{"workers=0", `workers: "0" is not between`},
		{"colour=red", "colour: is not known; use p50"},
	} {
		if _, err := newProfile(c.query, 1); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.query, err)
		}
	}
}

func TestRequestsAreReadInTheFormatsOfTheContainers(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name string
		read func(*table) error
		want []float64
	}{
		{"CSV with a missing cell", func(t *table) error { return t.readCSV("1,,3\r\n4,5,6") }, []float64{1, nan, 3, 4, 5, 6}},
		{"libsvm with and without label", func(t *table) error { return t.readLibSVM("1 0:5 2:7\n1:6", 3) }, []float64{5, nan, 7, nan, 6, nan}},
		{"JSON instances", func(t *table) error {
			return t.readJSON([]byte(`{"instances":[{"features":[1,null]},{"data":{"features":{"values":[3,4]}}}]}`))
		}, []float64{1, nan, 3, 4}},
		{"JSON lines", func(t *table) error { return t.readJSONLines([]byte("{\"features\":[1,2]}\n{\"features\":[3,4]}\n")) }, []float64{1, 2, 3, 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got table
			err := c.read(&got)
			if err != nil || !slices.EqualFunc(got.values, c.want, func(a, b float64) bool { return a == b || a != a && b != b }) || got.rows != 2 {
				t.Errorf("read %v of %d rows, %v", got.values, got.rows, err)
			}
		})
	}
}

func TestMalformedRequestsNameTheRecordButNotItsContent(t *testing.T) {
	for _, c := range []struct {
		name string
		read func(*table) error
		says string
	}{
		{"text in CSV", func(t *table) error { return t.readCSV("1,2\n3,4111111111111111x") }, "record 2, column 2"},
		{"rows of different length", func(t *table) error { return t.readCSV("1,2\n3") }, "record 2 has 1 features, the ones before have 2"},
		{"an index beyond the model", func(t *table) error { return t.readLibSVM("7:1", 3) }, "record 1, item 1"},
		{"JSON without instances", func(t *table) error { return t.readJSON([]byte(`{}`)) }, `no "instances"`},
		{"an instance without features", func(t *table) error { return t.readJSON([]byte(`{"instances":[{}]}`)) }, `record 1 has no list "features"`},
		{"features that are no list", func(t *table) error { return t.readJSON([]byte(`{"instances":[{"features":5}]}`)) }, `record 1 has no list "features"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.read(&table{})
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "4111") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestAModelOfSeveralClassesAnswersAListPerRecord(t *testing.T) {
	file, err := os.Open("../../learn/testdata/foreign/xgboost-softprob.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	model, err := learn.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	s := newScorer(model, false, 1)
	const list = `[0-9.e-]+,[0-9.e-]+,[0-9.e-]+`
	for accept, form := range map[string]string{
		"text/csv": "^" + list + "\n" + list + "\n$", "application/jsonlines": `^{"score":\[` + list + `\]}` + "\n" + `{"score":\[` + list + `\]}` + "\n$",
		"application/json": `^{"predictions":\[{"score":\[` + list + `\]},{"score":\[` + list + `\]}\]}$`, "application/x-recordio-protobuf": "is not supported for a model of several classes",
	} {
		answer, err := s.Invoke(t.Context(), &Call{ContentType: "text/csv", Accept: accept, Body: []byte("1,2,3,4,1\n,,,,\n")})
		if err != nil || !regexp.MustCompile(form).Match(answer.Body) {
			t.Errorf("%s: %d %q, %v", accept, answer.Status, answer.Body, err)
		}
	}
}

func TestScoresThatAreNoNumbersAreWrittenAsPythonDoes(t *testing.T) {
	got := appendPredictions(nil, []float64{1.5, math.NaN(), math.Inf(1), math.Inf(-1)}, nil)
	if want := `{"predictions":[{"score":1.5},{"score":NaN},{"score":Infinity},{"score":-Infinity}]}`; string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// FuzzRequest: no request makes a reader panic, and rows times width is what was read.
func FuzzRequest(f *testing.F) {
	f.Add([]byte("1,2\n3,4"))
	f.Add([]byte("0:1 1:2"))
	f.Add([]byte(`{"instances":[{"features":[1]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, read := range []func(*table) error{
			func(t *table) error { return t.readCSV(string(body)) },
			func(t *table) error { return t.readLibSVM(string(body), 4) },
			func(t *table) error { return t.readJSON(body) },
			func(t *table) error { return t.readJSONLines(body) },
		} {
			var got table
			if err := read(&got); err == nil && len(got.values) != got.rows*got.width {
				t.Errorf("%d values, %d rows of %d", len(got.values), got.rows, got.width)
			}
		}
	})
}

// archive makes a tar.gz.
func archive(t *testing.T, entries ...*tar.Header) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	files := tar.NewWriter(zipped)
	for _, e := range entries {
		if e.Typeflag == tar.TypeReg {
			e.Size = 2
		}
		if err := files.WriteHeader(e); err != nil {
			t.Fatal(err)
		}
		if e.Typeflag == tar.TypeReg {
			_, _ = files.Write([]byte("{}"))
		}
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestAnArchiveStaysInItsFolder(t *testing.T) {
	for _, c := range []struct {
		name  string
		entry tar.Header
	}{
		{"a way up", tar.Header{Name: "../out.txt", Typeflag: tar.TypeReg}},
		{"a way up from below", tar.Header{Name: "a/../../out.txt", Typeflag: tar.TypeReg}},
		{"an absolute path", tar.Header{Name: "/tmp/betimes-out.txt", Typeflag: tar.TypeReg}},
		{"a symbolic link", tar.Header{Name: "link", Linkname: "/etc", Typeflag: tar.TypeSymlink}},
		{"a hard link", tar.Header{Name: "link", Linkname: "/etc/passwd", Typeflag: tar.TypeLink}},
		{"a device", tar.Header{Name: "dev", Typeflag: tar.TypeChar}},
	} {
		t.Run(c.name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "model")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := unpack(archive(t, &c.entry), dir, "m"); err == nil {
				t.Error("it was unpacked")
			}
			if found, _ := os.ReadDir(parent); len(found) != 1 {
				t.Errorf("beside the folder: %v", found)
			}
		})
	}
}

func TestAnArchiveIsUnpackedWithItsFolders(t *testing.T) {
	dir := t.TempDir()
	err := unpack(archive(t, &tar.Header{Name: "./", Typeflag: tar.TypeDir}, &tar.Header{Name: "./code/serve.py", Mode: 0o755, Typeflag: tar.TypeReg}), dir, "m")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "code", "serve.py")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestWorkersFollowTheInstanceType(t *testing.T) {
	for kind, want := range map[string]int{"ml.t2.medium": 1, "ml.c5.large": 2, "ml.c5.xlarge": 4, "ml.m5.4xlarge": 16, "": 2, "local": 2} {
		if got, err := workersOf(Spec{InstanceType: kind}); err != nil || got != want {
			t.Errorf("%q has %d workers, want %d (%v)", kind, got, want, err)
		}
	}
	if got, err := workersOf(Spec{Environment: map[string]string{workersVariable: "7"}}); err != nil || got != 7 {
		t.Errorf("%d workers, %v", got, err)
	}
	if _, err := workersOf(Spec{Environment: map[string]string{workersVariable: "none"}}); err == nil {
		t.Error("no error")
	}
}

func TestImagesOfAWSAreKnownByTheirNames(t *testing.T) {
	for image, want := range map[string]string{
		"811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:1":               "xgboost",
		"683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1": "xgboost",
		"382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1":        "linear-learner",
		"builtin:xgboost": "xgboost", "builtin:echo": "", "exec:/opt/xgboost": "", "http://xgboost:80": "", "own/model:1": "",
	} {
		if got := Algorithm(image); got != want {
			t.Errorf("%s is %q, want %q", image, got, want)
		}
	}
}

func TestAProgramThatNeverAnswersFailsTheHealthCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sleeps")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexec sleep 60\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	l := &Launcher{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler), Startup: 300 * time.Millisecond, Retry: 10 * time.Millisecond}
	defer l.Close()
	_, err := l.Launch(t.Context(), Spec{Endpoint: "e", Variant: "v", Image: "exec:" + path}, 1, 1)
	if err == nil || !strings.Contains(err.Error(), "did not pass the ping health check") {
		t.Errorf("error %v", err)
	}
}

func TestAProgramThatKeepsDyingIsStartedLessOftenAndLeavesNoFiles(t *testing.T) {
	dir := t.TempDir()
	starts := filepath.Join(dir, "starts")
	path := filepath.Join(dir, "dies.py")
	text := `#!/usr/bin/env python3
import http.server, os, threading, time
open("` + starts + `", "a").write(f"{time.monotonic()}\n")
class Ping(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
        threading.Timer(0.02, lambda: os._exit(1)).start()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Ping).serve_forever()
`
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	l := &Launcher{Dir: filepath.Join(dir, "instances"), Log: slog.New(slog.DiscardHandler), Retry: 100 * time.Millisecond}
	if _, err := l.Launch(t.Context(), Spec{Endpoint: "e", Variant: "v", Image: "exec:" + path}, 1, 1); err != nil {
		t.Fatal(err)
	}
	const enough = 4 // after 0, 0.1, 0.3 and 0.7 s: what Python takes to start comes on top
	var seconds []float64
	within(t, "four starts", func() bool {
		seconds = nil
		said, _ := os.ReadFile(starts) // it may not be there yet
		for line := range strings.Lines(string(said)) {
			if at, err := strconv.ParseFloat(strings.TrimSuffix(line, "\n"), 64); err == nil && strings.HasSuffix(line, "\n") {
				seconds = append(seconds, at)
			}
		}
		return len(seconds) >= enough
	})
	l.Close()
	for n, least := 1, 0.1; n < enough; n, least = n+1, 2*least {
		if pause := seconds[n] - seconds[n-1]; pause < least {
			t.Errorf("start %d came %.3f s after the one before, want %.1f s at least", n, pause, least)
		}
	}
	within(t, "no files are left", func() bool {
		left, err := filepath.Glob(filepath.Join(l.Dir, "e", "*", "ml"))
		return err == nil && len(left) == 0
	})
}

// within waits for what other processes make so.
func within(t *testing.T, what string, so func() bool) {
	t.Helper()
	const patience = 2 * time.Minute
	for until := time.Now().Add(patience); !so(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

func TestNoProgramRunsForCallersFromElsewhere(t *testing.T) {
	dir := t.TempDir()
	asked, docker := filepath.Join(dir, "asked"), filepath.Join(dir, "docker")
	if err := os.WriteFile(docker, []byte("#!/bin/sh\ntouch "+asked+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	l := &Launcher{Dir: dir, Log: slog.New(slog.DiscardHandler), Beyond: "0.0.0.0:8070", Engine: &engine.Engine{Program: docker}}
	for _, image := range []string{"exec:/bin/true", "registry/own:1"} {
		_, err := l.Launch(t.Context(), Spec{Image: image}, 1, 1)
		if err == nil || !strings.Contains(err.Error(), "listens on 0.0.0.0:8070, beyond this machine") {
			t.Errorf("%s: error %v", image, err)
		}
	}
	if _, err := os.Stat(asked); err == nil {
		t.Error("the engine was asked for its images")
	}
}

// kept is a log stream that stays in memory.
type kept struct {
	mu     sync.Mutex
	text   strings.Builder
	closed bool
}

func (k *kept) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.Write(p)
}

func (k *kept) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	return nil
}

func TestAProgramLogsToItsStream(t *testing.T) {
	path := filepath.Join(t.TempDir(), "talks")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho out\necho err >&2\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	stream, name := &kept{}, ""
	l := &Launcher{Log: slog.New(slog.DiscardHandler), Dir: t.TempDir(), Retry: time.Millisecond, Output: func(endpoint, to string) (io.WriteCloser, error) {
		name = endpoint + " " + to
		return stream, nil
	}}
	defer l.Close()
	if _, err := l.Launch(t.Context(), Spec{Endpoint: "e", Variant: "v", Image: "exec:" + path}, 1, 1); err == nil {
		t.Fatal("a program that ends at once was launched")
	}
	if text := stream.text.String(); text != "out\nerr\n" || name != "e v/v-1-1" {
		t.Errorf("%s: %q", name, text)
	}
}
