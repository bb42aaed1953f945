package main

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// threads are more than the cores: one that comes back from its sleep finds a place at
// once.
const threads = 8

// ahead puts the calling goroutine on a thread of its own, before the others of the
// real-time class where the process is in that: it hardly works, and must be on time.
func ahead() (back func()) {
	before := runtime.GOMAXPROCS(threads)
	runtime.LockOSThread()
	own, err := unix.SchedGetAttr(0, 0)
	inClass := err == nil && own.Policy == unix.SCHED_RR
	if inClass {
		raised := *own
		raised.Priority++
		_ = unix.SchedSetAttr(0, &raised, 0) // without it the load may be late, and says so
	}
	return func() {
		if inClass {
			_ = unix.SchedSetAttr(0, own, 0)
		}
		runtime.UnlockOSThread()
		runtime.GOMAXPROCS(before)
	}
}

// until sleeps by the kernel's clock, which wakes within microseconds where Go's timers
// are up to a millisecond late.
func until(t time.Time) {
	for left := time.Until(t); left > 0; left = time.Until(t) {
		rest := unix.NsecToTimespec(int64(left))
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &rest, nil) // a signal wakes it: it goes on
	}
}
