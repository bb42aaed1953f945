//go:build !linux

package program

import (
	"os/exec"
	"path/filepath"
	"syscall"
)

// seen has nothing to offer here: a program finds its folder by the SM_ variables only.
func (*Starter) seen(base string) (string, bool) { return filepath.Join(base, "ml"), false }

// attributes cannot let a program die with an emulator that is killed.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// enclose is never asked for.
func enclose(*exec.Cmd, string) {}
