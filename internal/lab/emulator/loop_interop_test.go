//go:build interop

package emulator_test

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The rows of the loop: real ones, of which the second file was never trained on.
const (
	trainingRows = "../learn/testdata/breast-cancer-train.csv"
	heldOutRows  = "../learn/testdata/breast-cancer-held.csv"
)

func TestInteropBoto3WalksTheFullLoop(t *testing.T) {
	programs := clients(t)
	libraries := python(t, "learn-libraries", "xgboost-cpu==3.2.0", "scikit-learn==1.9.1")
	b := start(t, "fast", t.TempDir())
	scores := filepath.Join(t.TempDir(), "scores.json")
	loop := exec.CommandContext(t.Context(), filepath.Join(programs, "python"), "testdata/loop.py", trainingRows, heldOutRows, scores)
	loop.Env = environment(programs, b.url)
	began := time.Now()
	run(t, loop)
	t.Logf("the loop took %s, the start of Python included", time.Since(began).Round(10*time.Millisecond))
	run(t, exec.CommandContext(t.Context(), filepath.Join(libraries, "python"), "testdata/reference.py", trainingRows, heldOutRows, scores))
}
