//go:build interop

package emulator_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestInteropSDKsWalkTheProgram runs the walks of the AWS SDKs for Go and
// JavaScript: processes of their own, which start the built program themselves.
func TestInteropSDKsWalkTheProgram(t *testing.T) {
	program := filepath.Join(t.TempDir(), "betimes")
	run(t, exec.CommandContext(t.Context(), "go", "build", "-o", program, "betimes/cmd/betimes"))
	t.Run("Go", func(t *testing.T) {
		t.Parallel()
		walk(t, program, "testdata/goclient", exec.CommandContext(t.Context(), "go", "test", "-count=1", "./..."))
	})
	t.Run("JavaScript", func(t *testing.T) {
		t.Parallel()
		dir := javaScript(t)
		tests, err := filepath.Glob(filepath.Join(dir, "*.test.mjs"))
		if err != nil || len(tests) == 0 {
			t.Fatalf("no tests in %s: %v", dir, err)
		}
		walk(t, program, dir, exec.CommandContext(t.Context(), "node", append([]string{"--test"}, tests...)...))
	})
}

// walk runs a walk, which must not find settings of the user's AWS.
func walk(t *testing.T, program, dir string, c *exec.Cmd) {
	t.Helper()
	c.Dir = dir
	c.Env = append(os.Environ(), "BETIMES="+program, "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent")
	run(t, c)
}

// javaScript lays the walk beside its packages and gives its folder.
func javaScript(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/jsclient")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(packages(t), "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// packages installs what the lock file says, once, into the cache folder, and gives the folder that holds node_modules.
func packages(t *testing.T) string {
	t.Helper()
	lock, err := os.ReadFile("testdata/jsclient/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cacheFolder(t), "aws-javascript")
	if have, err := os.ReadFile(filepath.Join(dir, "complete")); err == nil && bytes.Equal(have, lock) {
		return dir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join("testdata/jsclient", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund")
	install.Dir = dir
	run(t, install)
	if err := os.WriteFile(filepath.Join(dir, "complete"), lock, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
