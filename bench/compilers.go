package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"betimes/bench/machine"
)

// freeCompilers takes the compiler threads of the Java machines below a process
// out of the real-time class: there each would hold its core for a whole turn,
// 100 ms, while records wait. They go on beside the rest, before what others run.
func freeCompilers(root int) error {
	for _, pid := range machine.Tree(root) {
		names, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/comm", pid))
		for _, file := range names {
			name, _ := os.ReadFile(file) // threads come and go
			if !strings.HasPrefix(string(name), "C1 Compiler") && !strings.HasPrefix(string(name), "C2 Compiler") {
				continue
			}
			thread, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			if err != nil {
				continue
			}
			attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL, Nice: -19}
			if err := unix.SchedSetAttr(thread, &attr, 0); err != nil {
				return fmt.Errorf("compiler thread %d of %d: %w", thread, pid, err)
			}
		}
	}
	return nil
}
