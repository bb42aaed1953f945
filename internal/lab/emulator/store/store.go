package store

import (
	"crypto/sha256"
	"encoding/hex"
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
	path := s.path(kind, name)
	if strings.HasPrefix(filepath.Base(path), longMark) {
		data, _ = json.Marshal(long{name, data}) // text and JSON
	}
	if err := os.MkdirAll(filepath.Join(s.dir, kind), 0o700); err != nil {
		return fmt.Errorf("emulator state: %w", err)
	}
	return WriteFile(path, data)
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

// A name that is too long for a file is in the file, under its hash.
const (
	maxStem  = 200
	longMark = "^" // escaped names have none
)

// long is what is kept under a name that no file can have.
type long struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

func (s *Store) path(kind, name string) string {
	stem := url.PathEscape(name)
	if len(stem) > maxStem {
		sum := sha256.Sum256([]byte(name))
		stem = longMark + hex.EncodeToString(sum[:])
	}
	return filepath.Join(s.dir, kind, stem+".json")
}

// named reads a file: the name of what it keeps, and that.
func named(stem string, data []byte) (string, []byte, error) {
	if !strings.HasPrefix(stem, longMark) {
		name, err := url.PathUnescape(stem)
		return name, data, err
	}
	var l long
	err := json.Unmarshal(data, &l)
	return l.Name, l.Value, err
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
		path := filepath.Join(s.dir, kind, e.Name())
		if !whole { // left behind by a kill between write and rename
			_ = os.Remove(path)
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("emulator state: %w", err)
		}
		name, data, err := named(stem, data)
		if err != nil {
			return nil, fmt.Errorf("emulator state: %s: %w; remove the file", path, err)
		}
		var v T
		if err := json.Unmarshal(data, &v); err != nil {
			return nil, fmt.Errorf("emulator state: %s: %w; remove the file to go on without this %s", path, err, kind)
		}
		all[name] = v
	}
	return all, nil
}
