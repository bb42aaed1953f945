package fleet

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// maxLoaded is how many models a built-in container holds; the one that was not
// asked for longest goes first.
const maxLoaded = 100

// ErrLoading says that a model is not loaded yet.
var ErrLoading = errors.New("the model is still being loaded")

// multiModel answers with the model that each call names, and loads it first.
type multiModel struct {
	inProcess
	load func(model string) (Container, error)

	mu     sync.Mutex
	loaded map[string]*list.Element // of *loadedModel
	recent *list.List               // the last asked for first
}

type loadedModel struct {
	name  string
	ready chan struct{} // closed when container and err are there
	Container
	err error
}

// manyModels makes a container of a built-in image whose models lie below a prefix.
func (l *Launcher) manyModels(ctx context.Context, s Spec) (maker, error) {
	workers, err := workersOf(s)
	if err != nil {
		return nil, err
	}
	one := s
	one.MultiModel = false
	load := func(model string) (Container, error) {
		one := one
		one.ModelURL = strings.TrimSuffix(s.ModelURL, "/") + "/" + strings.TrimPrefix(model, "/")
		if err := l.there(one.ModelURL); err != nil {
			return nil, err
		}
		make, err := l.maker(ctx, one)
		if err != nil {
			return nil, err
		}
		return make(1)
	}
	return func(int) (Container, error) {
		return &multiModel{inProcess: inProcess{workers}, load: load, loaded: map[string]*list.Element{}, recent: list.New()}, nil
	}, nil
}

// there says whether model data can be read, in the words of a multi-model endpoint.
func (l *Launcher) there(modelURL string) error {
	artefact, err := l.open(modelURL)
	if err != nil {
		bucket, key, _ := strings.Cut(strings.TrimPrefix(modelURL, "s3://"), "/")
		return &Missing{fmt.Sprintf("Failed to download model data(bucket: %s, key: %s). Please ensure that there is an object located at the URL and that the role passed to CreateModel has permissions to download the model.", bucket, key)}
	}
	return artefact.Close()
}

// Missing is what a caller asked for and is not there.
type Missing struct{ Text string }

// Error gives the text.
func (m *Missing) Error() string { return m.Text }

// Invoke asks the model that the call names.
func (c *multiModel) Invoke(ctx context.Context, call *Call) (Answer, error) {
	m, first := c.model(call.TargetModel)
	if first {
		m.Container, m.err = c.load(call.TargetModel)
		close(m.ready)
	}
	select {
	case <-m.ready:
	case <-ctx.Done():
		return Answer{}, ErrLoading
	}
	if m.err != nil {
		c.forget(m)
		return Answer{}, m.err
	}
	return m.Container.Invoke(ctx, call)
}

// model finds a model, or makes room for it; first says that the caller must load it.
func (c *multiModel) model(name string) (m *loadedModel, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.loaded[name]; ok {
		c.recent.MoveToFront(at)
		return at.Value.(*loadedModel), false
	}
	if c.recent.Len() >= maxLoaded {
		c.drop(c.recent.Back())
	}
	m = &loadedModel{name: name, ready: make(chan struct{})}
	c.loaded[name] = c.recent.PushFront(m)
	return m, true
}

// drop unloads a model; built-in ones hold nothing but memory.
func (c *multiModel) drop(at *list.Element) {
	delete(c.loaded, c.recent.Remove(at).(*loadedModel).name)
}

// forget lets the next call try again.
func (c *multiModel) forget(m *loadedModel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.loaded[m.name]; ok && at.Value == m {
		c.drop(at)
	}
}
