//go:build interop

package main

import (
	"os/exec"
	"testing"
)

// A few kills, so that every test run sees some; `make campaign NAME=kills` has more.
func TestInteropKillsLoseNothing(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "run", "betimes/bench/campaign", "-count", "3", "-rate", "150", "kills")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
