//go:build interop

package realkafka

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// folders begins the names of the folders of tests.
const folders = "betimes-realkafka-"

// folder makes a folder that ends with the test. Kafka takes a comma in its path
// for the end of it, and the test's own folder has the test's name. A lock says
// that the test lives.
func folder(t testing.TB) string {
	t.Helper()
	sweep()
	dir, err := os.MkdirTemp("", folders)
	check(t, err)
	open, err := os.Open(dir)
	check(t, err)
	check(t, syscall.Flock(int(open.Fd()), syscall.LOCK_EX|syscall.LOCK_NB))
	t.Cleanup(func() {
		check(t, os.RemoveAll(dir))
		open.Close()
	})
	return dir
}

// sweep removes what tests left that were killed: folders that nobody locks. A
// young one may be about to be locked.
func sweep() {
	all, _ := filepath.Glob(filepath.Join(os.TempDir(), folders+"*")) // the pattern is good
	for _, dir := range all {
		info, err := os.Stat(dir)
		if err != nil || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		open, err := os.Open(dir)
		if err != nil {
			continue
		}
		if syscall.Flock(int(open.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			os.RemoveAll(dir)
		}
		open.Close()
	}
}

// lock waits for a file's lock and returns what gives it back.
func lock(t testing.TB, file string) func() {
	t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o644)
	check(t, err)
	check(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	return func() { f.Close() }
}

// need fails the test when a program is missing, with what installs it.
func need(t testing.TB, program, install string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("%s is not installed, real brokers need it: sudo %s", program, install)
	}
}

// run runs a program to its end.
func run(t testing.TB, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, program, args...).CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("%s: %w\n%s", program, err, out))
	}
}

// check fails the test when something went wrong that has nothing to do with it.
func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
