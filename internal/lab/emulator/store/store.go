package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// version is what this program writes and reads.
const version = "1"

// Store is a folder of resources.
type Store struct {
	dir string
}

// Open makes the folder, or finds one of the same version.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("emulator state: %w", err)
	}
	path := filepath.Join(dir, "version")
	found, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return &Store{dir}, WriteFile(path, []byte(version+"\n"))
	}
	if err != nil {
		return nil, fmt.Errorf("emulator state: %w", err)
	}
	if v := strings.TrimSpace(string(found)); v != version {
		return nil, fmt.Errorf("emulator state: %s is of version %q, this program reads %s; use the program that wrote it, or remove the folder %s", path, v, version, dir)
	}
	return &Store{dir}, nil
}

// Put keeps v under kind and name.
func (s *Store) Put(kind, name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("emulator state: %s %s: %w", kind, name, err)
	}
	if err := os.MkdirAll(filepath.Join(s.dir, kind), 0o700); err != nil {
		return fmt.Errorf("emulator state: %w", err)
	}
	return WriteFile(s.path(kind, name), data)
}

// Delete forgets kind and name; what is not there is no error.
func (s *Store) Delete(kind, name string) error {
	err := os.Remove(s.path(kind, name))
	if err == nil {
		err = syncDir(filepath.Join(s.dir, kind))
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Clear forgets everything of kind.
func (s *Store) Clear(kind string) error { return os.RemoveAll(filepath.Join(s.dir, kind)) }

func (s *Store) path(kind, name string) string {
	return filepath.Join(s.dir, kind, url.PathEscape(name)+".json")
}

// Load reads everything kept of kind.
func Load[T any](s *Store, kind string) (map[string]T, error) {
	all := map[string]T{}
	entries, err := os.ReadDir(filepath.Join(s.dir, kind))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("emulator state: %w", err)
	}
	for _, e := range entries {
		stem, whole := strings.CutSuffix(e.Name(), ".json")
		if !whole { // left behind by a kill between write and rename
			continue
		}
		path := filepath.Join(s.dir, kind, e.Name())
		name, err := url.PathUnescape(stem)
		if err != nil {
			return nil, fmt.Errorf("emulator state: %s: %w; remove the file", path, err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("emulator state: %w", err)
		}
		var v T
		if err := json.Unmarshal(data, &v); err != nil {
			return nil, fmt.Errorf("emulator state: %s: %w; remove the file to go on without this %s", path, err, kind)
		}
		all[name] = v
	}
	return all, nil
}
