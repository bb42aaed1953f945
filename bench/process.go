package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ticks is how many clock ticks a second of CPU has in /proc (USER_HZ).
const ticks = 100

// process is a system under test on core 1, with all it starts.
type process struct {
	cmd  *exec.Cmd
	out  *os.File
	done chan error
}

// start runs a program on core 1; what it says goes into a file.
func start(program string, args []string, dir, outFile string) (*process, error) {
	out, err := os.Create(outFile)
	if err != nil {
		return nil, err
	}
	line := pinned("1", program, args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GOGC=") || strings.HasPrefix(v, "BETIMES_BENCH_") })
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		out.Close()
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	p := &process{cmd: cmd, out: out, done: make(chan error, 1)}
	go func() { p.done <- cmd.Wait() }()
	return p, nil
}

// stop ends it: with a word first, then without.
func (p *process) stop() {
	defer p.out.Close()
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(15 * time.Second):
		p.cmd.Process.Kill()
		<-p.done
	}
}

// tree is the process ids of a process and all below it.
func tree(root int) []int {
	ids := []int{root}
	for i := 0; i < len(ids); i++ {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", ids[i]))
		for _, f := range files {
			text, _ := os.ReadFile(f)
			for field := range strings.FieldsSeq(string(text)) {
				if id, err := strconv.Atoi(field); err == nil {
					ids = append(ids, id)
				}
			}
		}
	}
	return ids
}

// cpu is what a process tree has used so far.
func cpu(root int) time.Duration {
	var sum time.Duration
	for _, id := range tree(root) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
		if err != nil {
			continue
		}
		sum += cpuOf(string(text))
	}
	return sum
}

// cpuOf reads utime + stime of a line of /proc/PID/stat, whose second field may
// hold blanks and brackets.
func cpuOf(stat string) time.Duration {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticks
}

// peak is the most memory that a process tree has held, in bytes.
func peak(root int) int64 {
	var sum int64
	for _, id := range tree(root) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", id))
		_, after, ok := strings.Cut(string(text), "VmHWM:")
		if !ok {
			continue
		}
		kib, _ := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
		sum += kib << 10
	}
	return sum
}

// busy is what the whole machine has worked so far.
func busy() time.Duration {
	text, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	var sum int64
	for i, field := range fields {
		if i == 0 || i == 4 || i == 5 || i > 8 { // name, idle, iowait, guests (counted in user)
			continue
		}
		n, _ := strconv.ParseInt(field, 10, 64)
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks
}
