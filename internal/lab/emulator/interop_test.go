//go:build interop

package emulator_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// clients makes the environment of the pinned AWS clients, the AWS CLI 1 among them.
func clients(t *testing.T) string {
	return python(t, "aws-clients", "boto3==1.44.5", "botocore==1.44.5", "awscli==1.46.3")
}

// python makes a Python environment with packages, once, in the cache folder,
// and gives its folder of programs.
func python(t *testing.T, name string, packages ...string) string {
	t.Helper()
	programs := filepath.Join(cacheFolder(t), name, "bin")
	if _, err := os.Stat(filepath.Join(programs, "complete")); err == nil {
		return programs
	}
	run(t, exec.CommandContext(t.Context(), "python3", "-m", "venv", filepath.Dir(programs)))
	run(t, exec.CommandContext(t.Context(), filepath.Join(programs, "pip"), append([]string{"install", "--quiet"}, packages...)...))
	if err := os.WriteFile(filepath.Join(programs, "complete"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return programs
}

// cacheFolder is where tests keep what they fetch.
func cacheFolder(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("BETIMES_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "betimes")
}

func run(t *testing.T, c *exec.Cmd) {
	t.Helper()
	out, err := c.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("%s: %v", c, err)
	}
}

func environment(programs, url string) []string {
	return append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"), "AWS_ENDPOINT_URL="+url,
		"AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any", "AWS_DEFAULT_REGION=us-east-1", "AWS_CONFIG_FILE=/nonexistent")
}

func TestBoto3WalksFromTrainingToDeletion(t *testing.T) {
	programs := clients(t)
	b := start(t, "fast", t.TempDir())
	c := exec.CommandContext(t.Context(), filepath.Join(programs, "python"), "testdata/interop.py")
	c.Env = environment(programs, b.url)
	run(t, c)
}

func TestInteropRepliesOfTheControlPlaneFitTheServiceModel(t *testing.T) {
	programs := clients(t)
	b := start(t, "realistic", t.TempDir())
	c := exec.CommandContext(t.Context(), filepath.Join(programs, "python"), "testdata/control.py")
	c.Env = environment(programs, b.url)
	run(t, c)
}

func TestBoto3WatchesMetricsAndAlarms(t *testing.T) {
	programs := clients(t)
	b := start(t, "instant", t.TempDir())
	c := exec.CommandContext(t.Context(), filepath.Join(programs, "python"), "testdata/watch.py")
	c.Env = environment(programs, b.url)
	run(t, c)
}

func TestInteropBoto3PublishesAndReceives(t *testing.T) {
	programs := clients(t)
	b := start(t, "instant", t.TempDir())
	c := exec.CommandContext(t.Context(), filepath.Join(programs, "python"), "testdata/messaging.py")
	c.Env = environment(programs, b.url)
	run(t, c)
}

func TestInteropBoto3AsksAsynchronouslyAndReadsStreams(t *testing.T) {
	programs := clients(t)
	b := start(t, "instant", t.TempDir())
	c := exec.CommandContext(t.Context(), filepath.Join(programs, "python"), "testdata/slow.py")
	c.Env = environment(programs, b.url)
	run(t, c)
}

func TestInteropRepliesOfTheOtherServicesFitTheirModels(t *testing.T) {
	programs := clients(t)
	b := start(t, "instant", t.TempDir())
	c := exec.CommandContext(t.Context(), filepath.Join(programs, "python"), "testdata/services.py")
	c.Env = environment(programs, b.url)
	run(t, c)
}
