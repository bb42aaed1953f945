//go:build interop

package emulator_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// debianCLI is the AWS CLI 2 as Debian packages it, whatever else is in PATH.
const debianCLI = "/usr/bin/aws"

// commandLines are the two AWS CLIs by their major version.
func commandLines(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{"1": filepath.Join(clients(t), "aws"), "2": debianCLI}
	for version, program := range all {
		said, err := exec.CommandContext(t.Context(), program, "--version").Output()
		if err != nil || !strings.HasPrefix(string(said), "aws-cli/"+version+".") {
			t.Fatalf("%s is not the AWS CLI %s: %v %s; make deps installs it", program, version, err, said)
		}
	}
	return all
}

func TestInteropTheAWSCLIsWalkFromTrainingToDeletion(t *testing.T) {
	for version, program := range commandLines(t) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			b := start(t, "fast", t.TempDir())
			c := exec.CommandContext(t.Context(), "sh", "-x", "testdata/life.sh", program)
			c.Env = environment(filepath.Dir(program), b.url)
			run(t, c)
		})
	}
}

func TestInteropBoto3(t *testing.T) {
	programs := clients(t)
	for _, c := range []struct{ name, profile, script string }{
		{"trains programs and reads the words of refusals", "fast", "train.py"},
		{"changes endpoints under traffic", "realistic", "deploy.py"},
		{"reads every list by pages", "instant", "pages.py"},
		{"calls a hundred times at once, streams and waits", "instant", "crowd.py"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, c.profile, t.TempDir())
			walk := exec.CommandContext(t.Context(), filepath.Join(programs, "python"), "testdata/"+c.script, t.TempDir())
			walk.Env = environment(programs, b.url)
			run(t, walk)
		})
	}
}
