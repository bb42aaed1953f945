package load

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Alarm waits for moments by a timer of the kernel that Go's poller watches. It
// wakes within microseconds, where Go's own timers are up to a millisecond
// late, and holds no thread meanwhile.
type Alarm struct {
	file *os.File
	fd   int
	buf  [8]byte
}

// NewAlarm makes one.
func NewAlarm() (*Alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("load: timer: %w", err)
	}
	return &Alarm{file: os.NewFile(uintptr(fd), "timerfd"), fd: fd}, nil
}

// Close frees the timer.
func (a *Alarm) Close() { a.file.Close() }

// Until waits for a moment; it returns at once when that has passed.
func (a *Alarm) Until(t time.Time) error {
	left := time.Until(t)
	if left <= 0 {
		return nil
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(left))}
	if err := unix.TimerfdSettime(a.fd, 0, &spec, nil); err != nil {
		return fmt.Errorf("load: timer: %w", err)
	}
	if _, err := a.file.Read(a.buf[:]); err != nil {
		return fmt.Errorf("load: timer: %w", err)
	}
	return nil
}
