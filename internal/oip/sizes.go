package oip

import (
	"context"
	"fmt"
	"math/bits"
	"strings"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"betimes/internal/model/exchange"
)

// sizes bounds what answers over gRPC take while they come. gRPC holds all of an
// answer before it shows how large that is, so it is learned: a call takes an answer
// as large as any before, and where that is more than a window, it holds as much of
// the room from the answer's first sign to its end. A larger one is not read: the call
// is made once more, with room for what the server said that it takes.
//
//	call ──► headers ──► hold ──► read ──► release
//	 ▲                             │
//	 └──────── larger than any before
type sizes struct {
	room *exchange.Room
	most atomic.Int64 // bytes of the largest answer that is taken
}

// opening makes a call that takes so large an answer at most.
type opening func(ctx context.Context, most int) (grpc.ClientStream, error)

var errLarge = fmt.Errorf("the answer is larger than %d MiB; let the model answer less", exchange.MaxAnswerBytes>>20)

// ask makes a call and reads its answer.
func (s *sizes) ask(ctx context.Context, open opening, a answer) error {
	for {
		most := s.taken()
		err := s.once(ctx, open, most, a)
		size := largerThan(most, err)
		switch {
		case size == 0:
			return err
		case size > exchange.MaxAnswerBytes:
			return errLarge
		}
		s.learn(size)
	}
}

func (s *sizes) once(ctx context.Context, open opening, most int, a answer) error {
	stream, err := open(ctx, most)
	if err != nil {
		return err
	}
	if most > window && comes(stream) {
		release, err := s.room.Hold(ctx, int64(most))
		if err != nil {
			return err
		}
		defer release()
	}
	return stream.RecvMsg(a)
}

// comes waits for an answer's first sign. Of a call that failed none comes: it needs no
// room, and RecvMsg tells what is wrong.
func comes(stream grpc.ClientStream) bool {
	head, err := stream.Header()
	return err == nil && head != nil
}

// taken is the largest answer that a call takes now.
func (s *sizes) taken() int { return max(int(s.most.Load()), leastTaken) }

// leastTaken is what needs no room. Like all that sizes learns it is a number that no
// server has for a limit of its own.
const leastTaken = window - 1

// learn takes answers of that size from now on.
func (s *sizes) learn(size int) {
	most := int64(min(1<<bits.Len(uint(size))-1, exchange.MaxAnswerBytes))
	for was := s.most.Load(); was < most && !s.most.CompareAndSwap(was, most); was = s.most.Load() {
	}
}

// largerThan is how large an answer is that was not read because it is larger than
// that; 0: it is something else.
func largerThan(most int, err error) (size int) {
	said := status.Convert(err)
	if err == nil || said.Code() != codes.ResourceExhausted {
		return 0
	}
	_, numbers, _ := strings.Cut(said.Message(), "received message larger than max (")
	var limit int
	if _, err := fmt.Sscanf(numbers, "%d vs. %d)", &size, &limit); err != nil || limit != most || size <= most {
		return 0
	}
	return size
}
