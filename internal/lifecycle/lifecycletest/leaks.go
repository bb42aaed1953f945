package lifecycletest

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// Leaks runs the tests of a package and gives the exit code: a goroutine that
// outlives them fails the package.
func Leaks(m *testing.M) int {
	code := m.Run()
	if code != 0 {
		return code
	}
	var left []string
	for end := time.Now().Add(patience); time.Now().Before(end); <-time.After(10 * time.Millisecond) {
		http.DefaultClient.CloseIdleConnections()
		if left = goroutines(); len(left) == 0 {
			return 0
		}
	}
	fmt.Fprintf(os.Stderr, "%d goroutines outlive the tests:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
	return 1
}

// lasting are parts of the stacks of goroutines that live as long as the process.
var lasting = []string{"lifecycletest.goroutines", "testing.(*M).", "os/signal.", "runtime.goexit0", "internal/fuzz", "runtime.ensureSigM"}

// goroutines are the stacks of those that should not be there.
func goroutines() []string {
	text := make([]byte, 1<<20)
	for {
		n := runtime.Stack(text, true)
		if n < len(text) {
			text = text[:n]
			break
		}
		text = make([]byte, 2*len(text))
	}
	return slices.DeleteFunc(strings.Split(string(text), "\n\n"), func(stack string) bool {
		return slices.ContainsFunc(lasting, func(part string) bool { return strings.Contains(stack, part) })
	})
}
