package verify

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"betimes/internal/event"
)

// Sending is an event about to be sent.
type Sending struct {
	ID         string
	Key, Value []byte // only their hash and checksum are written
}

// file is what a Ledger writes to.
type file interface {
	io.Writer
	Sync() error
	Close() error
}

// Ledger is the append-only account of what was sent: a send is on disk before
// it is made, its answer follows. Many goroutines may use it. Sends that come
// together share one fsync, so that a slow disk delays sends and loses none.
type Ledger struct {
	file file

	mu     sync.Mutex
	seq    uint64
	buf    []byte
	then   []func(error)
	closed bool
	kick   chan struct{}
	done   chan struct{}
	err    error // the first of writing; final
}

// OpenLedger opens a ledger to append to. A torn last line, of a sender that was
// killed, is cut off; one that is damaged elsewhere is an error.
func OpenLedger(path string) (*Ledger, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	var last uint64
	good, err := scan(f, func(l *Line) error { last = max(last, l.Seq); return nil })
	if err == nil {
		err = f.Truncate(good.Bytes)
	}
	if err == nil {
		_, err = f.Seek(good.Bytes, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ledger %s: %w", path, err), f.Close())
	}
	return newLedger(f, last), nil
}

func newLedger(f file, last uint64) *Ledger {
	l := &Ledger{file: f, seq: last, kick: make(chan struct{}, 1), done: make(chan struct{})}
	go l.write()
	return l
}

// Send notes that an event is about to be sent and returns its number for Mark.
// then is called once, in the order of Send, when the note is on disk: the event
// may be sent now. With an error it must not be.
func (l *Ledger) Send(s Sending, then func(error)) (seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	if l.closed {
		go then(fmt.Errorf("ledger: %w", os.ErrClosed))
		return l.seq
	}
	line := Line{Seq: l.seq, At: time.Now(), ID: []byte(s.ID), Key: keyHash(s.Key), CRC: checksum(s.Value)}
	if !plain(s.ID) {
		l.then = append(l.then, func(error) {
			then(fmt.Errorf("ledger: the id of send %d is empty or not plain printable ASCII without spaces", line.Seq))
		})
	} else {
		l.buf = appendLine(l.buf, &line)
		l.then = append(l.then, then)
	}
	l.wake()
	return l.seq
}

func plain(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return id != ""
}

// Mark notes the answer to a send; at is where the record is, zero when unknown.
func (l *Ledger) Mark(seq uint64, o Outcome, at event.Source) {
	if at.Offset < 0 {
		at = event.Source{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return // a send without an answer is unknown
	}
	l.buf = appendLine(l.buf, &Line{Answer: true, Seq: seq, At: time.Now(), Outcome: o, Source: at})
	l.wake()
}

// wake has the writer look. l.mu is held.
func (l *Ledger) wake() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// write writes what has come together, again and again, until Close.
func (l *Ledger) write() {
	defer close(l.done)
	var spare []byte
	for range l.kick {
		l.mu.Lock()
		buf, then, err := l.buf, l.then, l.err
		l.buf, l.then = spare[:0], nil
		l.mu.Unlock()
		if err == nil && len(buf) > 0 {
			err = l.put(buf)
		}
		for _, f := range then {
			f(err)
		}
		spare = buf
	}
}

func (l *Ledger) put(buf []byte) error {
	_, err := l.file.Write(buf)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		err = fmt.Errorf("ledger: %w", err)
		l.mu.Lock()
		l.err = err
		l.mu.Unlock()
	}
	return err
}

// Close writes what is left. Nothing may be sent or marked afterwards.
func (l *Ledger) Close() error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		l.wake()
		close(l.kick)
	}
	l.mu.Unlock()
	<-l.done
	return errors.Join(l.err, l.file.Close())
}
