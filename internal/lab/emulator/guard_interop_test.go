//go:build interop

package emulator_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"betimes/internal/lab/emulator"
	"betimes/internal/setting"
)

func TestInteropSignaturesOfBoto3AreVerified(t *testing.T) {
	programs := clients(t)
	config := emulator.DefaultConfig()
	config.Profile, config.Auth = "instant", "verify"
	config.Keys = map[string]setting.Secret{"AKIDPLAIN": setting.NewSecret("plain/secret+1"), "AKIDSESSION": setting.NewSecret("other"), "123456789012": setting.NewSecret("an account")}
	config.Tokens = secrets("AKIDSESSION", "the/token==")
	b := startWith(t, config, t.TempDir())
	c := exec.CommandContext(t.Context(), filepath.Join(programs, "python"), "testdata/signed.py")
	c.Env = environment(programs, b.url)
	run(t, c)
}
