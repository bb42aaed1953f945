package fleet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// modelServer is a program that serves many models: SageMaker's container API
// of multi-model endpoints.
//
//	POST /models {model_name,url}   409: loaded already, 507: no memory, so the oldest goes
//	POST /models/{name}/invoke
//	DELETE /models/{name}
type modelServer struct {
	*process
	fetch func(model, dir string) error // puts model data into dir
	dir   string                        // where models are put
	seen  string                        // the same, as the program sees it

	loading sync.Mutex // one model at a time; calls of those that are loaded go on
	mu      sync.Mutex
	loaded  []string // names in the container, the last asked for last
}

// modelName is what a container calls a model: a hash, as on AWS.
func modelName(model string) string {
	sum := sha256.Sum256([]byte(model))
	return hex.EncodeToString(sum[:16])
}

// Invoke loads the model if need be and asks it.
func (c *modelServer) Invoke(ctx context.Context, call *Call) (Answer, error) {
	name := modelName(call.TargetModel)
	if err := c.have(ctx, name, call.TargetModel); err != nil {
		return Answer{}, err
	}
	return c.proxy.post(ctx, "/models/"+name+"/invoke", call)
}

// have loads a model that the container does not hold.
func (c *modelServer) have(ctx context.Context, name, model string) error {
	if c.used(name) {
		return nil
	}
	c.loading.Lock()
	defer c.loading.Unlock()
	if c.used(name) { // loaded while this call waited
		return nil
	}
	dir := filepath.Join(c.dir, "models", name, "model")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := c.fetch(model, dir); err != nil {
		return err
	}
	for {
		status, text, err := c.ask(ctx, http.MethodPost, "/models", map[string]string{"model_name": name, "url": path.Join(c.seen, "models", name, "model")})
		switch {
		case ctx.Err() != nil:
			return ErrLoading
		case err != nil:
			return err
		case status == http.StatusOK || status == http.StatusConflict:
			c.mu.Lock()
			c.loaded = append(c.loaded, name)
			c.mu.Unlock()
			return nil
		case status != http.StatusInsufficientStorage:
			return fmt.Errorf("the container answered %d to POST /models: %s", status, text)
		}
		if err := c.unload(ctx); err != nil {
			return err
		}
	}
}

// used says whether a model is loaded, and makes it the last asked for.
func (c *modelServer) used(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := slices.Index(c.loaded, name)
	if at >= 0 {
		c.loaded = append(slices.Delete(c.loaded, at, at+1), name)
	}
	return at >= 0
}

// oldest takes the model out of the list that was not asked for longest.
func (c *modelServer) oldest() (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.loaded) == 0 {
		return "", false
	}
	name := c.loaded[0]
	c.loaded = slices.Delete(c.loaded, 0, 1)
	return name, true
}

// unload makes room for one model.
func (c *modelServer) unload(ctx context.Context) error {
	name, found := c.oldest()
	if !found {
		return errors.New("the container has no memory for one model (it answered 507 to POST /models)")
	}
	status, text, err := c.ask(ctx, http.MethodDelete, "/models/"+name, nil)
	if err == nil && status != http.StatusOK && status != http.StatusNotFound {
		err = fmt.Errorf("the container answered %d to DELETE /models: %s", status, text)
	}
	if err == nil {
		err = os.RemoveAll(filepath.Join(c.dir, "models", name))
	}
	return err
}

// ask sends JSON and gives status and the beginning of the answer.
func (c *modelServer) ask(ctx context.Context, method, path string, body any) (int, string, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return 0, "", err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(raw))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := c.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1024))
	return answer.StatusCode, string(text), err
}

// serveModels starts a program for many models.
func (l *Launcher) serveModels(file, dir string, s Spec) (Container, error) {
	environment := map[string]string{"SAGEMAKER_MULTI_MODEL": "true"}
	for name, value := range s.Environment {
		environment[name] = value
	}
	p, err := l.startProcess(file, dir, s, environment)
	if err != nil {
		return nil, err
	}
	fetch := func(model, into string) error {
		at := strings.TrimSuffix(s.ModelURL, "/") + "/" + strings.TrimPrefix(model, "/")
		if err := l.there(at); err != nil {
			return err
		}
		return l.unpack(at, into)
	}
	return &modelServer{process: p, fetch: fetch, dir: filepath.Join(dir, "ml"), seen: l.Programs.Seen(dir)}, nil
}

// folder is where a container's files lie: names may hold anything but a way out.
func (l *Launcher) folder(s Spec, number int) string {
	return filepath.Join(l.Dir, url.PathEscape(s.Endpoint), fmt.Sprintf("%s-%d-%d", s.Variant, number, l.serial.Add(1)))
}
