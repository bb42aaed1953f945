package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"betimes/internal/model"
	"betimes/internal/rest"
)

// mlflowVersion is the MLflow that is asked.
const mlflowVersion = "3.17.2"

// mlflowFile holds what is asked and what was answered; the tests of the door play it again.
const mlflowFile = "internal/rest/testdata/mlflow.json"

//go:embed mlflow.py
var mlflowModel []byte

// exchanged is one request that the door made and its answer.
type exchanged struct {
	Name        string   `json:"name"`
	Template    string   `json:"template,omitempty"`
	Fields      []string `json:"fields,omitempty"`
	ContentType string   `json:"content_type"`
	Bodies      []string `json:"bodies"` // of the events
	Sent        string   `json:"sent"`
	Status      int      `json:"status"`
	AnswerType  string   `json:"answer_type"`
	Answer      string   `json:"answer"`
}

// mlflow asks `mlflow models serve` through the door for HTTP servers and writes
// down what was said.
func mlflow(ctx context.Context, o options, r *report) error {
	url, stop, err := o.serveMLflow(ctx)
	if err != nil {
		return err
	}
	defer stop()
	file := filepath.Join(o.source, mlflowFile)
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var all []exchanged
	if err := json.Unmarshal(text, &all); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for i := range all {
		if err := all[i].record(ctx, url); err != nil {
			return fmt.Errorf("%s: %w", all[i].Name, err)
		}
		r.add(row{{"asked", all[i].Name}, {"events", len(all[i].Bodies)}, {"status", all[i].Status}})
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	r.note("MLflow %s, recorded in %s", mlflowVersion, mlflowFile)
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// record asks once, through a server that listens in.
func (x *exchanged) record(ctx context.Context, url string) error {
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		on, err := http.NewRequestWithContext(ctx, r.Method, url+r.URL.Path, bytes.NewReader(body))
		if err != nil {
			return
		}
		on.Header = r.Header
		resp, err := http.DefaultClient.Do(on)
		if err != nil {
			return
		}
		defer resp.Body.Close()
		answer, _ := io.ReadAll(resp.Body)
		x.Sent, x.Status, x.AnswerType, x.Answer = string(body), resp.StatusCode, resp.Header.Get("Content-Type"), string(answer)
		w.Header().Set("Content-Type", x.AnswerType)
		w.WriteHeader(x.Status)
		_, _ = w.Write(answer)
	}))
	defer between.Close()
	c := rest.DefaultConfig()
	c.URL, c.Template = between.URL+"/invocations", x.Template
	door, err := rest.New(c, rest.Deps{Name: "mlflow", Fields: x.Fields})
	if err != nil {
		return err
	}
	defer door.Close()
	q := &model.Request{ContentType: x.ContentType, Accept: "application/json"}
	for _, b := range x.Bodies {
		q.Items = append(q.Items, model.Item{Body: []byte(b)})
	}
	_, _ = door.Invoke(ctx, q) // what it makes of the answer is what the tests look at
	if x.Status == 0 {
		return errors.New("MLflow did not answer")
	}
	return nil
}

// serveMLflow trains a model and serves it.
func (o options) serveMLflow(ctx context.Context) (url string, stop func(), err error) {
	programs, err := mlflowPrograms(ctx)
	if err != nil {
		return "", nil, err
	}
	script := filepath.Join(o.workdir, "train.py") // under its own name it would be imported as MLflow
	if err := os.WriteFile(script, mlflowModel, 0o600); err != nil {
		return "", nil, err
	}
	if err := told(exec.CommandContext(ctx, filepath.Join(programs, "python"), script, o.workdir)); err != nil {
		return "", nil, err
	}
	port, err := o.ports.take(1)
	if err != nil {
		return "", nil, err
	}
	serve := exec.CommandContext(ctx, filepath.Join(programs, "mlflow"), "models", "serve", "-m", filepath.Join(o.workdir, "model"), "--env-manager", "local", "-h", "127.0.0.1", "-p", strconv.Itoa(port))
	serve.Env = append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH")) // it looks for uvicorn there
	serve.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := serve.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = syscall.Kill(-serve.Process.Pid, syscall.SIGKILL) // uvicorn is its child
		_ = serve.Wait()
	}
	url = "http://" + loopback(port)
	if err := awaitPing(ctx, url); err != nil {
		stop()
		return "", nil, err
	}
	return url, stop, nil
}

func awaitPing(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if resp, err := http.Get(url + "/ping"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("mlflow models serve is not ready: %w", ctx.Err())
		}
	}
}

// mlflowPrograms makes a Python environment with MLflow, once, in the cache folder.
func mlflowPrograms(ctx context.Context) (string, error) {
	cache := os.Getenv("BETIMES_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(user, "betimes")
	}
	programs := filepath.Join(cache, "mlflow-"+mlflowVersion, "bin")
	done := filepath.Join(programs, "complete")
	if _, err := os.Stat(done); err == nil {
		return programs, nil
	}
	for _, c := range []*exec.Cmd{
		exec.CommandContext(ctx, "python3", "-m", "venv", "--clear", filepath.Dir(programs)),
		exec.CommandContext(ctx, filepath.Join(programs, "pip"), "install", "--quiet", "--disable-pip-version-check", "mlflow=="+mlflowVersion),
	} {
		if err := told(c); err != nil {
			return "", err
		}
	}
	return programs, os.WriteFile(done, nil, 0o600)
}

// told runs a program; its error says what it said.
func told(c *exec.Cmd) error {
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", c, err, out)
	}
	return nil
}
