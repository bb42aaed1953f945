package fault

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// limit is how many file descriptors a process may have.
type limit struct{ unix.Rlimit }

// spare is how many more files a starved process can open.
const spare = 2

// starve lets a process open next to no file more, and returns what it was allowed before.
func starve(pid int) (limit, error) {
	var before limit
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return before, err
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &before.Rlimit); err != nil {
		return before, fmt.Errorf("limit of open files: %w", err)
	}
	few := before.Rlimit
	few.Cur = min(uint64(len(open)+spare), before.Max)
	return before, unix.Prlimit(pid, unix.RLIMIT_NOFILE, &few, nil)
}

// restore gives a process back what it was allowed.
func (l limit) restore(pid int) error { return unix.Prlimit(pid, unix.RLIMIT_NOFILE, &l.Rlimit, nil) }
