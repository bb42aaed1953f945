// Package machine reads from /proc what processes and the whole machine used.
//
// Upstream: bench and its campaigns. Downstream: Linux.
//
// Invariants: standard library only; a process that has gone counts as nothing.
package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticks is how many clock ticks a second of CPU has in /proc (USER_HZ).
const ticks = 100

// Tree is the process ids of a process and all below it.
func Tree(root int) []int {
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

// CPU is what a process tree has used so far.
func CPU(root int) time.Duration {
	var sum time.Duration
	for _, id := range Tree(root) {
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

// Peak is the most memory that a process tree has held, in bytes.
func Peak(root int) int64 { return held(root, "VmHWM:") }

// Resident is the memory that a process tree holds now, in bytes.
func Resident(root int) int64 { return held(root, "VmRSS:") }

func held(root int, field string) int64 {
	var sum int64
	for _, id := range Tree(root) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", id))
		_, after, ok := strings.Cut(string(text), field)
		if !ok {
			continue
		}
		kib, _ := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
		sum += kib << 10
	}
	return sum
}

// Busy is what the whole machine has worked so far.
func Busy() time.Duration {
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
