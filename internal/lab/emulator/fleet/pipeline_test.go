package fleet

import (
	"context"
	"net/http"
	"testing"
)

// mortal is a container that can die, and says its name after each request.
type mortal struct {
	inProcess
	name   string
	status int
	gone   chan struct{}
	closed chan struct{}
}

func newMortal(name string) *mortal {
	return &mortal{inProcess{2}, name, http.StatusOK, make(chan struct{}), make(chan struct{}, 1)}
}

func (c *mortal) Invoke(_ context.Context, call *Call) (Answer, error) {
	return Answer{Status: c.status, Body: append(append([]byte(nil), call.Body...), c.name...)}, nil
}
func (c *mortal) Gone() <-chan struct{} { return c.gone }
func (c *mortal) Close()                { c.closed <- struct{}{} }

func newPipeline(parts ...*mortal) *pipeline {
	p := &pipeline{gone: make(chan struct{}), closed: make(chan struct{})}
	for _, c := range parts {
		p.parts, p.names = append(p.parts, c), append(p.names, c.name)
	}
	p.watch()
	return p
}

func TestAllPartsOfAnInstanceEndWithOne(t *testing.T) {
	a, b := newMortal("a"), newMortal("b")
	p := newPipeline(a, b)
	close(b.gone)
	<-p.Gone()
	<-a.closed
	<-b.closed
	p.Close() // again is nothing
}

func TestTheFirstPartThatRefusesAnswers(t *testing.T) {
	a, b, c := newMortal("a"), newMortal("b"), newMortal("c")
	p := newPipeline(a, b, c)
	defer p.Close()
	answer, err := p.Invoke(t.Context(), &Call{Body: []byte(">")})
	if err != nil || string(answer.Body) != ">abc" || answer.From() != "c" || p.Workers() != 2 {
		t.Errorf("answered %s from %s, %v", answer.Body, answer.From(), err)
	}
	b.status = http.StatusTeapot
	answer, err = p.Invoke(t.Context(), &Call{Body: []byte(">")})
	if err != nil || string(answer.Body) != ">ab" || answer.From() != "b" || answer.Status != http.StatusTeapot {
		t.Errorf("answered %d %s from %s, %v", answer.Status, answer.Body, answer.From(), err)
	}
}
