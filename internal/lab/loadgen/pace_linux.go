package loadgen

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// newPacer makes a Pacer for the calling goroutine, which stays on its thread
// until free is called. Go's timers wake up to 1 ms late when the process is
// idle; clock_nanosleep on a thread with the least timer slack does so within
// some 10 µs.
func newPacer() (pace Pacer, free func()) {
	runtime.LockOSThread()
	// Refused only by a sandbox; the pace is then 50 µs coarser, and the lag says so.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	return nanosleep, func() {
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // the thread's default
		runtime.UnlockOSThread()
	}
}

func nanosleep(ctx context.Context, until time.Time) {
	coarse(ctx, time.Until(until)-fineWait)
	for ctx.Err() == nil {
		left := time.Until(until)
		if left <= 0 {
			return
		}
		request := unix.NsecToTimespec(left.Nanoseconds())
		// A signal may end the sleep early; the loop goes on.
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &request, nil)
	}
}
