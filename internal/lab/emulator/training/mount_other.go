//go:build !linux

package training

import (
	"os/exec"
	"path/filepath"
	"syscall"
)

// mounts has nothing to offer here: a program finds its folder by the SM_ variables only.
type mounts struct{}

func (*mounts) prepare(command *exec.Cmd, f *folder) string {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return filepath.Join(f.base, "ml")
}
