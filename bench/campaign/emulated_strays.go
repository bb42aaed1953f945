package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"betimes/bench/machine"
)

// strays are processes that an emulator with its state in dir has started and
// that are not below the process which runs now. What begins or is being ended
// meanwhile is none: a stray stays.
func strays(dir string, running int) []string {
	left := stray(dir, running)
	for n := 0; n < 10 && len(left) > 0; n++ {
		time.Sleep(500 * time.Millisecond)
		now := stray(dir, running)
		maps.DeleteFunc(left, func(pid int, _ string) bool { return now[pid] == "" })
	}
	var found []string
	for pid, line := range left {
		found = append(found, fmt.Sprintf("process %d: %s", pid, line))
	}
	return found
}

// stray is one look: command lines by process.
func stray(dir string, running int) map[int]string {
	found := map[int]string{}
	files, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is sound
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(text, []byte("\x00BETIMES_PROGRAM="+dir+"/")) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file))) // the pattern is of digits
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		found[pid] = strings.ReplaceAll(string(line), "\x00", " ")
	}
	if running > 0 {
		for _, pid := range machine.Tree(running) {
			delete(found, pid)
		}
	}
	return found
}
