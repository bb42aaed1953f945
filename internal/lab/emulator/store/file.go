package store

import (
	"fmt"
	"os"
	"path/filepath"
)

// WriteFile replaces path in one step that survives a kill at any moment.
func WriteFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("emulator state: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	if _, err = f.Write(data); err != nil {
		_ = f.Close()
		return fmt.Errorf("emulator state: %s: %w", path, err)
	}
	return Commit(f, path)
}

// Commit flushes and closes f and gives it its name.
func Commit(f *os.File, path string) error {
	err := f.Sync()
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("emulator state: %s: %w", path, err)
	}
	return nil
}

// syncDir makes names durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
