package oip

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
)

// wire is what a server has sent and nobody has read.
type wire struct {
	net.Listener
	held, most atomic.Int64
}

func (w *wire) Accept() (net.Conn, error) {
	conn, err := w.Listener.Accept()
	return wired{conn, w}, err
}

type wired struct {
	net.Conn
	of *wire
}

func (c wired) Write(p []byte) (int, error) {
	now := c.of.held.Add(int64(len(p)))
	for most := c.of.most.Load(); now > most && !c.of.most.CompareAndSwap(most, now); most = c.of.most.Load() {
	}
	return c.Conn.Write(p)
}

// unheld is an answer that is let go when it has been read.
type unheld struct {
	of   *wire
	size int
}

func (u *unheld) read(b []byte) error {
	u.size = len(b)
	u.of.held.Add(-int64(len(b)))
	return nil
}

// large is a gRPC server of answers of that size, below 0 of none; calls counts those that it got.
func large(t *testing.T, room *exchange.Room, size *atomic.Int64, calls *atomic.Int32) (*overGRPC, *wire) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: listener}
	serve(t, w, &grpc.ServiceDesc{ServiceName: strings.Trim(service, "/"), HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{
		method("ModelInfer", func(context.Context, *asked) (told, error) {
			calls.Add(1)
			if size.Load() < 0 {
				return nil, status.Error(codes.Unavailable, "stopping")
			}
			return make(told, size.Load()), nil
		}),
	}})
	c := DefaultConfig()
	c.URL, c.Model = "grpc://"+listener.Addr().String(), "m"
	g, err := newGRPC(c, "large", func() {}, room)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.close)
	return g, w
}

func TestManyLargeAnswersOverGRPCShareTheirRoomAndAreAllRead(t *testing.T) {
	const calls, room, answers = 24, 8 << 20, 6 << 20
	var size atomic.Int64
	var got atomic.Int32
	shared := exchange.NewRoom(room)
	g, w := large(t, shared, &size, &got)
	size.Store(answers)
	all := func(n int) {
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				a := &unheld{of: w}
				if _, err := g.ask(t.Context(), "ModelInfer", time.Time{}, &question{}, a); err != nil || a.size != answers {
					t.Errorf("%d bytes, %v", a.size, err)
				}
			})
		}
		wg.Wait()
	}
	all(1)
	if n := got.Load(); n != 2 {
		t.Errorf("%d calls for the first, which is larger than any before", n)
	}
	w.held.Store(0)
	w.most.Store(0)
	all(calls)
	if n := got.Load(); n != 2+calls {
		t.Errorf("%d calls for %d answers as large as the first", n-2, calls)
	}
	// One more goes on beyond the room; of the others a window is under way.
	if most := w.most.Load(); most > room+8<<20+(calls+1)*window {
		t.Errorf("%d MiB were under way at once", most>>20)
	}
	own, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	release, err := shared.Hold(own, room)
	if err != nil {
		t.Fatalf("the room is not whole again: %v", err)
	}
	release()
}

func TestACallThatFailsWaitsForNoRoom(t *testing.T) {
	var size atomic.Int64
	var got atomic.Int32
	room := exchange.NewRoom(1)
	g, w := large(t, room, &size, &got)
	g.sizes.learn(window)
	for range 2 { // all there is, and the turn beyond
		release, err := room.Hold(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
	}
	size.Store(-1)
	if _, err := g.ask(t.Context(), "ModelInfer", time.Time{}, &question{}, &unheld{of: w}); model.ClassOf(err) != model.ClassUnavailable {
		t.Errorf("%v, want what the server says", err)
	}
}

func TestAnswersOverGRPCThatGrowAreReadUpToTheLargest(t *testing.T) {
	var size atomic.Int64
	var got atomic.Int32
	g, w := large(t, nil, &size, &got)
	for _, tt := range []struct {
		size  int64
		calls int32
		class model.Class
	}{
		{10, 1, 0},
		{window - 1, 1, 0},
		{window, 2, 0},
		{window, 1, 0},
		{exchange.MaxAnswerBytes + 1, 1, model.ClassBadOutput},
		{exchange.MaxAnswerBytes, 2, 0},
		{exchange.MaxAnswerBytes + 1, 1, model.ClassBadOutput},
		{10, 1, 0},
	} {
		size.Store(tt.size)
		got.Store(0)
		a := &unheld{of: w}
		_, err := g.ask(t.Context(), "ModelInfer", time.Time{}, &question{}, a)
		if class := model.ClassOf(err); (err != nil || tt.class != 0) && class != tt.class || got.Load() != tt.calls {
			t.Errorf("%d bytes: %v after %d calls", tt.size, err, got.Load())
		}
		if err == nil && int64(a.size) != tt.size {
			t.Errorf("%d bytes of %d", a.size, tt.size)
		}
	}
}

func TestOnlyOurOwnLimitMakesACallOnceMore(t *testing.T) {
	for text, want := range map[string]int{
		"grpc: received message larger than max (2000000 vs. 1048575)": 2000000,
		"grpc: received message larger than max (2000000 vs. 4194304)": 0,
		"grpc: received message larger than max (5 vs. 1048575)":       0,
		"grpc: received message larger than max (":                     0,
		"queue is full": 0,
	} {
		if got := largerThan(leastTaken, status.Error(codes.ResourceExhausted, text)); got != want {
			t.Errorf("%s: %d", text, got)
		}
	}
	if got := largerThan(leastTaken, nil); got != 0 {
		t.Error(got)
	}
}
