package fleet

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Part is one more container on an instance.
type Part struct {
	Hostname    string
	Image       string
	ModelURL    string
	Environment map[string]string
}

// part is s with another container.
func (s Spec) part(p Part) Spec {
	s.Hostname, s.Image, s.ModelURL, s.Environment, s.More = p.Hostname, p.Image, p.ModelURL, p.Environment, nil
	return s
}

// pipeline is several containers on one instance: one after another, or each by its name.
type pipeline struct {
	parts  []Container
	names  []string
	direct bool
	gone   chan struct{}
	closed chan struct{}
	once   sync.Once
}

// joined makes the containers of a variant that has several.
func (l *Launcher) joined(ctx context.Context, s Spec) (maker, error) {
	first := s
	first.More = nil
	specs := []Spec{first}
	for _, p := range s.More {
		specs = append(specs, s.part(p))
	}
	makers := make([]maker, len(specs))
	for i, one := range specs {
		var err error
		if makers[i], err = l.maker(ctx, one); err != nil {
			return nil, err
		}
	}
	return func(number int) (Container, error) {
		p := &pipeline{direct: s.Direct, gone: make(chan struct{}), closed: make(chan struct{})}
		for i, make := range makers {
			c, err := make(number)
			if err != nil {
				p.Close()
				return nil, err
			}
			p.parts, p.names = append(p.parts, c), append(p.names, specs[i].Hostname)
		}
		p.watch()
		return p, nil
	}, nil
}

// watch tells when any part has gone; the others end with it.
func (p *pipeline) watch() {
	ended := make(chan struct{}, len(p.parts))
	for _, c := range p.parts {
		if c.Gone() == nil {
			continue
		}
		go func() {
			select {
			case <-c.Gone():
				ended <- struct{}{}
			case <-p.closed:
			}
		}()
	}
	go func() {
		select {
		case <-ended:
			p.Close()
			close(p.gone)
		case <-p.closed:
		}
	}()
}

// Ping is well when all parts are.
func (p *pipeline) Ping(ctx context.Context) error {
	for i, c := range p.parts {
		if err := c.Ping(ctx); err != nil {
			return fmt.Errorf("container %s: %w", p.names[i], err)
		}
	}
	return nil
}

// Invoke asks the part that is named, or all in order: the answer of one is the request of the next.
func (p *pipeline) Invoke(ctx context.Context, call *Call) (Answer, error) {
	if p.direct {
		for i, c := range p.parts {
			if p.names[i] == call.TargetContainer {
				return named(c, ctx, call, p.names[i])
			}
		}
		return refuse(http.StatusBadRequest, fmt.Sprintf("There is no container %q.", call.TargetContainer)), nil
	}
	step := *call
	accept := call.Accept
	var answer Answer
	var scripted time.Duration
	for i, c := range p.parts {
		if step.Accept, step.Piece = "", nil; i == len(p.parts)-1 {
			step.Accept, step.Piece = accept, call.Piece
		}
		var err error
		if answer, err = named(c, ctx, &step, p.names[i]); err != nil || answer.Status < 200 || answer.Status > 299 {
			return answer, err
		}
		scripted += answer.Scripted
		step.Body, step.ContentType, step.Out = answer.Body, answer.ContentType, nil
	}
	answer.Scripted = scripted
	return answer, nil
}

// named says in the answer who gave it.
func named(c Container, ctx context.Context, call *Call, name string) (Answer, error) {
	answer, err := c.Invoke(ctx, call)
	answer.Container = name
	return answer, err
}

// Workers is the least of the parts that have slots.
func (p *pipeline) Workers() int {
	least := 0
	for _, c := range p.parts {
		if n := c.Workers(); n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}

// Gone is closed when a part died.
func (p *pipeline) Gone() <-chan struct{} { return p.gone }

// Close closes all parts.
func (p *pipeline) Close() {
	p.once.Do(func() {
		close(p.closed)
		for _, c := range p.parts {
			c.Close()
		}
	})
}
