package program

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxSweeps bounds the rounds: what is swept may start others meanwhile.
const maxSweeps = 20

// Sweep ends the processes of all programs whose folder is dir or below it, and
// says how many those were. dir is absolute.
func Sweep(dir string) int {
	ended := 0
	for range maxSweeps {
		found := marked(dir)
		if len(found) == 0 {
			break
		}
		for _, pid := range found {
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				ended++
			}
		}
	}
	return ended
}

// lookAgain is how soon End looks again.
const lookAgain = 10 * time.Millisecond

// End gives the programs below dir, which were asked to end, time for that, and ends the rest.
func End(dir string, grace time.Duration) {
	for limit := time.Now().Add(grace); len(marked(dir)) > 0 && time.Now().Before(limit); {
		time.Sleep(lookAgain)
	}
	Sweep(dir)
}

// marked are the processes of programs below dir, this one left out.
func marked(dir string) []int {
	var found []int
	files, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is sound
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil { // gone, or of another user
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && pid != os.Getpid() && hasMark(text, dir) {
			found = append(found, pid)
		}
	}
	return found
}

// hasMark reads an environment. The last variable of a name counts.
func hasMark(environment []byte, dir string) bool {
	found := false
	for variable := range bytes.SplitSeq(environment, []byte{0}) {
		if base, ok := bytes.CutPrefix(variable, []byte(markVariable+"=")); ok {
			found = string(base) == dir || strings.HasPrefix(string(base), strings.TrimSuffix(dir, "/")+"/")
		}
	}
	return found
}
