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
	isolatedClass = "BETIMES_BENCH_CLASS" // real-time or other
)

// priority in the real-time class is the same for all: a process above the
// others on its core was seen to spin for ever for what a preempted one held.
const priority = "10"

// realTime says whether this machine lets us into the real-time class.
func realTime() bool { return exec.Command("chrt", "-r", priority, "true").Run() == nil }

// pinned is the command line that runs a program on one core, in the real-time
// class where that is allowed and before others where it is not.
func pinned(core, program string, args ...string) []string {
	line := []string{"taskset", "-c", core}
	if os.Getenv(isolatedClass) == "other" {
		line = append(line, "nice", "-n", "-19")
	} else {
		line = append(line, "chrt", "-r", priority)
	}
	return append(append(line, program), args...)
}

// isolate builds the floor, then runs this program again on core 0 and waits
// for it, outside the real-time class, so that a run that hangs can be ended.
func isolate(ctx context.Context, o options) error {
	home, err := os.MkdirTemp(memory(), "betimes-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	build := exec.CommandContext(ctx, "go", "build", "-o", floorIn(home), "betimes/bench/floor")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the floor: %w\n%s", err, out)
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
	ctx, cancel := context.WithTimeout(ctx, o.longest())
	defer cancel()
	line := pinned("0", self, os.Args[1:]...)
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

// demote takes a process out of the real-time class and asks it to end.
func demote(pid int) error {
	_ = exec.Command("chrt", "-a", "-o", "-p", "0", strconv.Itoa(pid)).Run() // fails where it was not in it
	return syscall.Kill(pid, syscall.SIGTERM)
}

// longest is more than all runs together can take.
func (o options) longest() time.Duration {
	const systems = 3
	return time.Duration(len(o.rates)*o.turns*systems) * (readyIn + warmUp + o.window + patience + 20*time.Second)
}

func floorIn(home string) string { return filepath.Join(home, "floor") }

// memory is a folder in memory where there is one, so that the brokers' writes
// do not wait for a disk that others use.
func memory() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return ""
}
