//go:build !linux

package fleet

import "syscall"

// childAttributes has nothing to offer here: after a kill -9 children stay.
func childAttributes() *syscall.SysProcAttr { return nil }
