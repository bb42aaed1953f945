package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// trainer is a server that trains as a test says.
func trainer(t *testing.T, train http.HandlerFunc) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ping", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /train", train)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestAServerTrainsInTheFolderOfAJob(t *testing.T) {
	r := runner(t, map[string]string{"train/a.csv": "1,2"})
	image := trainer(t, func(w http.ResponseWriter, q *http.Request) {
		var job trainRequest
		if err := json.NewDecoder(q.Body).Decode(&job); err != nil {
			t.Error(err)
		}
		read, err := os.ReadFile(filepath.Join(job.Environment["SM_CHANNEL_TRAIN"], "a.csv"))
		if err != nil || job.Environment["SM_MODEL_DIR"] != filepath.Join(job.Folder, "model") || job.Environment["OWN"] != "yes" || strings.Join(job.Arguments, " ") != "train" || job.TrainingJobName != "j" {
			t.Errorf("%+v: %v", job, err)
		}
		if err := os.WriteFile(filepath.Join(job.Folder, "model", "model"), read, 0o600); err != nil {
			t.Error(err)
		}
		fmt.Fprintln(w, "loss=0.25")
	})
	j := Job{Name: "j", Image: image, Output: "s3://data/out", Environment: map[string]string{"OWN": "yes"}, Metrics: []MetricDefinition{{"loss", `loss=([0-9.]+)`}}}
	j.Channels = []Channel{{Name: "train", URI: "s3://data/train/"}}
	result, states, err := run(t.Context(), r, j)
	if err != nil || strings.Join(states, " ") != "Downloading Training Uploading" || len(result.Metrics) != 1 || result.Metrics[0].Value != 0.25 {
		t.Fatalf("%v %v %v", result, states, err)
	}
	if got := archived(t, r, "out/j/output/model.tar.gz"); got["model"] != "1,2" {
		t.Errorf("model %v", got)
	}
}

func TestAServerThatDoesNotTrainSaysWhy(t *testing.T) {
	for _, c := range []struct {
		name  string
		train http.HandlerFunc
		says  string
	}{
		{"by its status", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no memory", http.StatusInsufficientStorage)
		}, "/train answered 507 Insufficient Storage: no memory"},
		{"with a long text", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, strings.Repeat("é", 1<<20), 500) }, "éé"},
		{"by sending elsewhere", func(w http.ResponseWriter, q *http.Request) {
			http.Redirect(w, q, "http://127.0.0.1:1/", http.StatusFound)
		}, "/train answered 302 Found"},
		{"by its exit code", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", exitCode)
			fmt.Fprintln(w, "boom")
			w.Header().Set(exitCode, "3")
		}, `the last line of its log is "boom", exit code: 3`},
		{"with an exit code that is none", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", exitCode)
			fmt.Fprintln(w, "x")
			w.Header().Set(exitCode, "many")
		}, `the trailer Exit-Code is "many", no number`},
		{"by closing the connection", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "closed the connection before the job ended"},
		{"without a model", func(http.ResponseWriter, *http.Request) {}, "left no file in SM_MODEL_DIR"},
		{"with endless headers", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, "exceeded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := run(t.Context(), runner(t, nil), Job{Name: "j", Image: trainer(t, c.train), Output: "s3://data/out"})
			if err == nil || !strings.HasPrefix(err.Error(), "AlgorithmError: ") || !strings.Contains(err.Error(), c.says) || len(err.Error()) > maxFailure {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestAServerThatTakesNoJobsIsNamedWithARemedy(t *testing.T) {
	ill := httptest.NewServer(http.NotFoundHandler())
	defer ill.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	const start = "start a server there that answers GET /ping with 200"
	for image, says := range map[string]string{
		ill.URL: start, "http://127.0.0.1:1": start, "http://" + silent.Addr().String(): start,
		ill.URL + "/path": "is not http://HOST:PORT", "http://": "is not http://HOST:PORT", "http://u:p@h": "is not http://HOST:PORT", ill.URL + "?a": "is not http://HOST:PORT",
	} {
		_, _, err := run(t.Context(), runner(t, nil), Job{Name: "j", Image: image, Output: "s3://data/out"})
		if err == nil || !strings.HasPrefix(err.Error(), "ClientError: image ") || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", image, err)
		}
	}
}

func TestAServerIsAskedToStopAndThenLeft(t *testing.T) {
	for _, obeys := range []bool{true, false} {
		t.Run(fmt.Sprintf("it obeys: %v", obeys), func(t *testing.T) {
			began, asked, left := make(chan string, 1), make(chan string, 1), make(chan struct{})
			mux := http.NewServeMux()
			mux.HandleFunc("GET /ping", func(http.ResponseWriter, *http.Request) {})
			mux.HandleFunc("POST /train", func(w http.ResponseWriter, q *http.Request) {
				defer close(left)
				var job trainRequest
				_ = json.NewDecoder(q.Body).Decode(&job) // what fails is seen by the folder
				began <- job.Folder
				_ = http.NewResponseController(w).Flush()
				if !obeys {
					<-q.Context().Done()
					return
				}
				<-asked
				if err := os.WriteFile(filepath.Join(job.Folder, "model", "model"), []byte("half"), 0o600); err != nil {
					t.Error(err)
				}
			})
			mux.HandleFunc("POST /stop", func(_ http.ResponseWriter, q *http.Request) {
				body, _ := io.ReadAll(q.Body)
				asked <- string(body)
			})
			server := httptest.NewServer(mux)
			defer server.Close()
			r := runner(t, nil)
			if !obeys {
				r.Grace = time.Millisecond
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() { <-began; cancel(ErrStopped) }()
			result, _, err := run(ctx, r, Job{Name: "j", Image: server.URL, Output: "s3://data/out"})
			if !errors.Is(err, ErrStopped) || (result.Artefact != "") != obeys {
				t.Errorf("%v, %v", result, err)
			}
			<-left // the connection was closed, or the job ended
			if !obeys {
				if body := <-asked; body != `{"TrainingJobName":"j"}` {
					t.Errorf("asked with %s", body)
				}
			}
		})
	}
}
