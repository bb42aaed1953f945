package app

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const (
	temporaryName = "betimes-"
	// temporaryMark stands in folders that may be removed once nobody uses them. A
	// data_dir of the same name has none.
	temporaryMark = "temporary"
)

// openTemporary makes and locks a folder below dir that is of use to this
// process only, and removes those of processes that were killed.
func openTemporary(dir, role string) (*folder, error) {
	sweepTemporary(dir)
	temp, err := os.MkdirTemp(dir, temporaryName)
	if err != nil {
		return nil, fmt.Errorf("temporary folder: %w", err)
	}
	f, err := openFolder(temp, role)
	if err == nil { // it is locked before others may take it for an abandoned one
		err = os.WriteFile(filepath.Join(temp, temporaryMark), nil, 0o600)
	}
	if err != nil {
		_ = os.RemoveAll(temp)
		return nil, fmt.Errorf("temporary folder: %w", err)
	}
	return f, nil
}

// sweepTemporary removes what killed processes have left. What cannot be removed
// is somebody else's.
func sweepTemporary(dir string) {
	found, _ := filepath.Glob(filepath.Join(dir, temporaryName+"*", temporaryMark))
	for _, mark := range found {
		removeUnused(filepath.Dir(mark))
	}
}

// removeUnused removes a temporary folder that no process has locked.
func removeUnused(temp string) {
	locks, _ := filepath.Glob(filepath.Join(temp, "*", lockFile))
	for _, path := range locks {
		lock, err := os.Open(path)
		if err != nil {
			return
		}
		defer lock.Close()
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
			return
		}
	}
	if len(locks) > 0 {
		_ = os.RemoveAll(temp)
	}
}
