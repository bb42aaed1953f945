package exchange

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
)

// Room is how many bytes answers may take together while they are read: those of all
// Clients that share it. Small answers are free. When there is no room left an answer
// waits until another has been read; one at a time goes on nevertheless, so that
// answers which are all half read do not wait for each other. It is safe for
// concurrent use.
type Room struct {
	turn chan struct{} // held by the one that goes on

	mu    sync.Mutex
	left  int64
	freed chan struct{} // closed, and made anew, when there is more
}

const (
	freeBytes = 64 << 10 // of each answer
	stepBytes = 64 << 10 // taken at once
)

// NewRoom makes one of so many bytes.
func NewRoom(size int64) *Room {
	return &Room{left: size, turn: make(chan struct{}, 1), freed: make(chan struct{})}
}

// OwnRoom makes one for somebody who shares it with nobody: four of the largest answers.
func OwnRoom() *Room { return NewRoom(4 * MaxAnswerBytes) }

// Hold takes so many bytes for an answer that comes in one piece, as one that waits
// does; release gives them back.
func (r *Room) Hold(ctx context.Context, n int64) (release func(), err error) {
	s := share{room: r, ctx: ctx}
	if err := s.take(n); err != nil {
		return nil, err
	}
	return s.close, nil
}

// share is what one answer has of a Room.
type share struct {
	room  *Room
	ctx   context.Context
	body  io.Reader
	read  int64
	taken int64
	first bool // it has the turn
}

// Read reads what there is room for.
func (s *share) Read(p []byte) (int, error) {
	p = p[:min(len(p), stepBytes)]
	if need := s.read + int64(len(p)) - freeBytes; need > s.taken {
		if err := s.take(stepBytes); err != nil {
			return 0, err
		}
	}
	n, err := s.body.Read(p)
	s.read += int64(n)
	return n, err
}

// take waits for more room, at most as long as the call may last.
func (s *share) take(n int64) error {
	for !s.first {
		left, freed := s.room.take(n)
		if left {
			s.taken += n
			return nil
		}
		select {
		case s.room.turn <- struct{}{}:
			s.first = true
		case <-freed:
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
	}
	s.taken += n // beyond what there is
	s.room.give(-n)
	return nil
}

// close gives back what was taken.
func (s *share) close() {
	if s.taken > 0 {
		s.room.give(s.taken)
	}
	if s.first {
		<-s.room.turn
	}
}

// take takes so much if it is there, else it tells what is closed when more is.
func (r *Room) take(n int64) (ok bool, freed <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left < n {
		return false, r.freed
	}
	r.left -= n
	return true, nil
}

func (r *Room) give(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left += n
	if n > 0 {
		close(r.freed)
		r.freed = make(chan struct{})
	}
}

// readUpTo reads to the end, in pieces that are put together once all is there: an
// answer that is too large is never held twice.
func readUpTo(most int, from io.Reader) ([]byte, error) {
	var pieces [][]byte
	for size := 0; ; {
		piece, err := readPiece(from)
		pieces, size = append(pieces, piece), size+len(piece)
		switch {
		case size > most:
			return nil, errTooLarge
		case errors.Is(err, io.EOF) && len(pieces) == 1:
			return piece, nil
		case errors.Is(err, io.EOF):
			return bytes.Join(pieces, nil), nil
		case err != nil:
			return nil, err
		}
	}
}

// readPiece reads stepBytes, or less and why no more.
func readPiece(from io.Reader) (piece []byte, err error) {
	piece = make([]byte, 0, 512)
	for len(piece) < stepBytes && err == nil {
		if len(piece) == cap(piece) {
			piece = slices.Grow(piece, min(len(piece), stepBytes-len(piece)))
		}
		var n int
		n, err = from.Read(piece[len(piece):min(cap(piece), stepBytes)])
		piece = piece[:len(piece)+n]
	}
	return piece, err
}
