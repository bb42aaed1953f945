package lifecycle

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
)

// diary notes what rooms do, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

// room is a Runner that notes its start and its stop.
type noted struct {
	name  string
	diary *diary
	ready chan struct{}
	fail  error
}

func newNoted(name string, d *diary, fail error) *noted {
	return &noted{name, d, make(chan struct{}), fail}
}

func (r *noted) Ready() <-chan struct{} { return r.ready }

func (r *noted) Run(ctx context.Context) error {
	r.diary.note("start " + r.name)
	if r.fail != nil {
		return r.fail
	}
	close(r.ready)
	<-ctx.Done()
	r.diary.note("stop " + r.name)
	return nil
}

func TestSinksStartFirstAndSourcesStopFirst(t *testing.T) {
	var d diary
	var g Group
	for _, name := range []string{"brokers", "stream", "gateway"} {
		g.Add(name, newNoted(name, &d, nil))
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := g.Run(ctx, func() { d.note("ready"); cancel() }); err != nil {
		t.Fatal(err)
	}
	want := []string{"start brokers", "start stream", "start gateway", "ready", "stop gateway", "stop stream", "stop brokers"}
	if !slices.Equal(d.lines, want) {
		t.Errorf("%v", d.lines)
	}
}

func TestAFailingRoomStopsTheOthersAndIsNamed(t *testing.T) {
	var d diary
	var g Group
	g.Add("brokers", newNoted("brokers", &d, nil))
	g.Add("stream", newNoted("stream", &d, errors.New("out of luck")))
	g.Add("gateway", newNoted("gateway", &d, nil))
	err := g.Run(t.Context(), func() { t.Error("ready") })
	if err == nil || !strings.Contains(err.Error(), "stream: out of luck") {
		t.Errorf("ended with %v", err)
	}
	if !slices.Equal(d.lines, []string{"start brokers", "start stream", "stop brokers"}) {
		t.Errorf("%v", d.lines)
	}
}

func TestARoomThatEndsByItselfIsAnError(t *testing.T) {
	var g Group
	g.Add("idle", Func(func(context.Context) error { return nil }))
	if err := g.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "idle: stopped by itself") {
		t.Errorf("ended with %v", err)
	}
}
