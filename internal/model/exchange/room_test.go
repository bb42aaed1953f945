package exchange

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/model"
)

// answers are what a server of huge answers has sent and nobody has given up.
type answers struct{ held, most atomic.Int64 }

// huge is one of them.
type huge struct {
	of   *answers
	left int64
	read int64
	err  error // at the end
}

func (h *huge) Read(p []byte) (int, error) {
	if h.left == 0 {
		return 0, h.err
	}
	n := min(int64(len(p)), h.left)
	h.left, h.read = h.left-n, h.read+n
	now := h.of.held.Add(n)
	for most := h.of.most.Load(); now > most && !h.of.most.CompareAndSwap(most, now); most = h.of.most.Load() {
	}
	return int(n), nil
}

func (h *huge) Close() error {
	h.of.held.Add(-h.read)
	return nil
}

// told is an answer of unknown length.
func told(body io.ReadCloser) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, ContentLength: -1, Body: body, Request: &http.Request{Method: http.MethodPost}}
}

func TestHugeAnswersShareTheirRoomAndAreAllRead(t *testing.T) {
	const room, calls = 4 << 20, 16
	for name, c := range map[string]struct {
		size int64
		want error
	}{
		"too large":   {2 << 30, errTooLarge},
		"large":       {3 << 20, nil},
		"of no bytes": {0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			shared, client := NewRoom(room), answers{}
			a, b := New(Config{Room: shared}), New(Config{Room: shared})
			var all sync.WaitGroup
			for i := range calls {
				all.Go(func() {
					body, err := []*Client{a, b}[i%2].readAnswer(t.Context(), told(&huge{of: &client, left: c.size, err: io.EOF}), nil)
					if !errors.Is(err, c.want) || err == nil && int64(len(body)) != c.size {
						t.Errorf("%d bytes, %v", len(body), err)
					}
				})
			}
			all.Wait()
			if most := client.most.Load(); most > room+MaxAnswerBytes+calls*(freeBytes+stepBytes) {
				t.Errorf("%d MiB were held at once", most>>20)
			}
			if shared.left != room || len(shared.turn) > 0 {
				t.Errorf("%d bytes of %d are left, the turn is taken: %v", shared.left, room, len(shared.turn) > 0)
			}
		})
	}
}

// never sends some, then nothing until its context ends.
type never struct {
	huge
	ctx context.Context
}

func (n *never) Read(p []byte) (int, error) {
	if n.left > 0 {
		return n.huge.Read(p)
	}
	<-n.ctx.Done()
	return 0, n.ctx.Err()
}

func TestAnAnswerThatWaitsForRoomEndsWithItsTimeAndSmallOnesDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, held := New(Config{Room: NewRoom(1 << 20)}), &answers{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for range 2 { // one fills the room, one has the turn
			go func() { _, _ = c.readAnswer(ctx, told(&never{huge{of: held, left: 1 << 20}, ctx}), nil) }()
			synctest.Wait()
		}
		own, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		_, err := c.readAnswer(own, told(&huge{of: held, left: 1 << 20, err: io.EOF}), nil)
		if class := model.ClassOf(c.fault(own, err)); class != model.ClassTimeout {
			t.Errorf("one that waits: %v, %s", err, class)
		}
		if _, err := c.readAnswer(own, told(&huge{of: held, left: freeBytes - 512, err: io.EOF}), nil); err != nil {
			t.Errorf("a small one: %v", err)
		}
		cancel()
		synctest.Wait()
		if _, err := c.readAnswer(t.Context(), told(&huge{of: held, left: 20 << 20, err: io.EOF}), nil); err != nil {
			t.Errorf("one after them: %v", err)
		}
	})
}

func TestAnAnswerThatIsCutOffIsNoAnswer(t *testing.T) {
	c := New(Config{})
	for _, size := range []int64{0, 1, stepBytes, 3*stepBytes + 7} {
		if body, err := c.readAnswer(t.Context(), told(&huge{of: &answers{}, left: size, err: io.ErrUnexpectedEOF}), nil); err == nil {
			t.Errorf("%d bytes: %d are taken for the answer", size, len(body))
		}
	}
}
