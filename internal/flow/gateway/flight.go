package gateway

import "sync/atomic"

// flight bounds the bytes of bodies read and not yet settled.
type flight struct {
	max   int64
	bytes atomic.Int64
}

// lease is one request's share of the flight. The request and each of its
// events hold it; the last one to let go returns the bytes.
type lease struct {
	flight  *flight
	bytes   int64 // changed by the request's goroutine while it holds
	holders atomic.Int64
}

func (f *flight) lease() *lease {
	l := &lease{flight: f}
	l.holders.Store(1)
	return l
}

// grow takes n more bytes, or says that there is no room.
func (l *lease) grow(n int) bool {
	if l.flight.bytes.Add(int64(n)) > l.flight.max {
		l.flight.bytes.Add(-int64(n))
		return false
	}
	l.bytes += int64(n)
	return true
}

func (l *lease) hold() { l.holders.Add(1) }

func (l *lease) release() {
	if l.holders.Add(-1) == 0 {
		l.flight.bytes.Add(-l.bytes)
	}
}
