package logbook

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// page is a writer that may be read at any time.
type page struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.Write(b)
}

func (p *page) lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Split(strings.TrimSpace(p.buf.String()), "\n")
}

func TestARepeatedErrorIsSaidOnceAndThenCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p page
		log := New(&p, slog.LevelInfo, true)
		for i := range 1000 {
			log.Error("endpoint fails", "endpoint", "a", "n", i)
			time.Sleep(time.Millisecond)
		}
		log.Error("endpoint fails", "endpoint", "b")
		log.Info("calm")
		log.Info("calm")
		time.Sleep(time.Minute)
		got := p.lines()
		if len(got) != 5 || !strings.Contains(got[4], `"repeated":999`) || !strings.Contains(got[4], `"n":999`) {
			t.Errorf("%d lines:\n%s", len(got), strings.Join(got, "\n"))
		}
	})
}

func TestTextIsForPeople(t *testing.T) {
	var p page
	New(&p, slog.LevelWarn, false).Warn("hello", "who", "you")
	if got := p.lines()[0]; !strings.Contains(got, "level=WARN msg=hello who=you") {
		t.Error(got)
	}
}
