package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// folderVersion is the layout of data_dir. Another one is refused, not guessed at.
const folderVersion = "betimes 1\n"

// ErrInUse says that a process of this identity runs already.
var ErrInUse = errors.New("in use by another betimes")

// lockFile is locked as long as a process uses the folder.
const lockFile = "lock"

// held says whether a process uses the folder.
func held(path string) bool {
	lock, err := os.Open(filepath.Join(path, lockFile))
	if err != nil {
		return false
	}
	defer lock.Close()
	return syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil
}

// folder is a locked part of data_dir.
type folder struct {
	path string
	lock *os.File
}

// openFolder makes and locks dir/role.
func openFolder(dir, role string) (*folder, error) {
	if err := os.MkdirAll(filepath.Join(dir, role), 0o700); err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	if err := checkVersion(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, role)
	lock, err := os.OpenFile(filepath.Join(path, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("data_dir: %s is %w; stop it, or give this file another name or data_dir", path, ErrInUse)
	}
	return &folder{path, lock}, nil
}

// checkVersion writes the layout's version, or compares it.
func checkVersion(dir string) error {
	file := filepath.Join(dir, "version")
	have, err := os.ReadFile(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return os.WriteFile(file, []byte(folderVersion), 0o600)
	case err != nil:
		return fmt.Errorf("data_dir: %w", err)
	case string(have) != folderVersion:
		return fmt.Errorf("data_dir: %s was written by another version (%q, this one is %q); move it away or set another data_dir", dir, strings.TrimSpace(string(have)), strings.TrimSpace(folderVersion))
	}
	return nil
}

// sub makes a folder inside.
func (f *folder) sub(name string) (string, error) {
	path := filepath.Join(f.path, name)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", fmt.Errorf("data_dir: %w", err)
	}
	return path, nil
}

// close gives the folder free.
func (f *folder) close() { f.lock.Close() }
