package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// isolated marks that this process was started again on its core, and holds the
// folder of its programs; isolatedClass says in which class processes run.
const (
	isolated      = "BETIMES_BENCH_HOME"
	isolatedClass = "BETIMES_BENCH_CLASS" // real-time, other, or none: cores are shared as they come
)

// The cores.
const (
	coreOfLoad   = "0"
	coreOfSystem = "1"
)

// class is how a process shares its core.
type class int

const (
	// equal is for all that has no reason to be another.
	equal class = iota
	// first is for the sender alone, which hardly works: it goes before the
	// brokers and the stub, so that it is on time.
	first
)

// priorities in the real-time class.
const (
	priority      = "10"
	priorityFirst = "11"
)

// realTime says whether this machine lets us into the real-time class.
func realTime() bool { return exec.Command("chrt", "-r", priorityFirst, "true").Run() == nil }

// pinned is the command line that runs a program on one core, in the real-time
// class where that is allowed and before others where it is not.
func pinned(core string, c class, program string, args ...string) []string {
	line := []string{"taskset", "-c", core}
	switch {
	case os.Getenv(isolatedClass) == "none":
		line = nil
	case os.Getenv(isolatedClass) == "other":
		line = append(line, "nice", "-n", "-19")
	case c == first:
		line = append(line, "chrt", "-r", priorityFirst)
	default:
		line = append(line, "chrt", "-r", priority)
	}
	return append(append(line, program), args...)
}

// isolate builds the floor and betimes, then runs this program again on core 0
// and waits for it, outside the real-time class, so that a run that hangs can
// be ended.
func isolate(ctx context.Context, o options) error {
	home, err := os.MkdirTemp(memory(), "betimes-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	if err := build(ctx, o, home); err != nil {
		return err
	}
	class := "real-time"
	if !realTime() {
		class = "other"
	}
	os.Setenv(isolatedClass, class)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "about %s\n", o.about().Round(time.Minute))
	ctx, cancel := context.WithTimeout(ctx, 3*o.about()+5*time.Minute)
	defer cancel()
	line := pinned(coreOfLoad, equal, self, os.Args[1:]...)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), isolated+"="+home, "GOGC=400")
	cmd.Cancel = func() error { return demote(cmd.Process.Pid) }
	cmd.WaitDelay = 20 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("the measuring process: %w", err)
	}
	return nil
}

// build makes the programs that are measured, from the tree of the working folder.
func build(ctx context.Context, o options, home string) error {
	programs := map[string]string{}
	if o.piped() {
		programs[floorIn(home)] = "betimes/bench/floor"
	}
	if o.sut == "" && o.piped() {
		programs[sutIn(home)] = "betimes/cmd/betimes"
	}
	if o.knocks() {
		programs[filepath.Join(home, "door")] = "betimes/bench/door"
		programs[filepath.Join(home, "door-sdk")] = sdkClient
	}
	for path, name := range programs {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, name)
		if name == sdkClient {
			cmd.Dir = filepath.Join("bench", "door", "sdk")
		}
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// demote takes a process out of the real-time class and asks it to end.
func demote(pid int) error {
	_ = exec.Command("chrt", "-a", "-o", "-p", "0", strconv.Itoa(pid)).Run() // fails where it was not in it
	return syscall.Kill(pid, syscall.SIGTERM)
}

func floorIn(home string) string { return filepath.Join(home, "floor") }
func sutIn(home string) string   { return filepath.Join(home, "betimes") }

// memory is a folder in memory where there is one, so that the brokers' writes
// do not wait for a disk that others use.
func memory() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return ""
}
