package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// isolated marks that this process was started again on its core, and holds the
// folder of its programs.
const isolated = "BETIMES_BENCH_HOME"

// realTime says whether this machine lets us into the real-time class.
func realTime() bool { return exec.Command("chrt", "-r", priority, "true").Run() == nil }

// priority in the real-time class is the same for all: a thread above the
// others can spin for ever for what a preempted one below it holds.
const priority = "10"

// pinned is the command line that runs a program on one core, in the real-time
// class where that is allowed and before others where it is not.
func pinned(core int, program string, args ...string) []string {
	line := []string{"taskset", "-c", fmt.Sprint(core)}
	if realTime() {
		line = append(line, "chrt", "-r", priority)
	} else {
		line = append(line, "nice", "-n", "-19")
	}
	return append(append(line, program), args...)
}

// isolate builds the floor and starts this process again on core 0; in the
// second process it returns the folder of both. Nothing is built in the
// real-time class.
func isolate(ctx context.Context) (home string, err error) {
	if home := os.Getenv(isolated); home != "" {
		return home, nil
	}
	if home, err = os.MkdirTemp(memory(), "betimes-bench-"); err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", floorIn(home), "betimes/bench/floor")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the floor: %w\n%s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	line := pinned(0, self, os.Args[1:]...)
	path, err := exec.LookPath(line[0])
	if err != nil {
		return "", fmt.Errorf("%w; install util-linux", err)
	}
	return "", syscall.Exec(path, line, append(os.Environ(), isolated+"="+home, "GOGC=400"))
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
