//go:build failpoints

package failpoint

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// Enabled says whether points do anything in this binary.
const Enabled = true

// ErrAsked is what Fail returns where the environment asked for it.
var ErrAsked = errors.New("failpoint: an error was asked for")

// armed is read from the environment once; the one state of this package, and
// only with the build tag.
var armed = sync.OnceValue(func() *plan {
	p, err := parse(os.Getenv("BETIMES_FAILPOINT"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "betimes:", err)
		os.Exit(2)
	}
	p.log = os.Getenv("BETIMES_FAILPOINT_LOG")
	return p
})

// Reach is a moment between two steps.
func Reach(name string) { _ = Fail(name) }

// Fail is a moment before a step that can fail: a non-nil error is taken for the step's own.
func Fail(name string) error {
	switch a := armed().reach(name); a.what {
	case "kill":
		signal(syscall.SIGKILL)
		select {} // the signal is under way
	case "exit":
		os.Exit(exitCode)
	case "stop":
		signal(syscall.SIGSTOP)
	case "delay":
		time.Sleep(a.delay)
	case "error":
		return fmt.Errorf("%w at %s", ErrAsked, name)
	}
	return nil
}

// exitCode is none that betimes ends with by itself.
const exitCode = 3

func signal(s syscall.Signal) {
	if err := syscall.Kill(os.Getpid(), s); err != nil {
		fmt.Fprintln(os.Stderr, "betimes: failpoint:", err)
		os.Exit(exitCode)
	}
}
