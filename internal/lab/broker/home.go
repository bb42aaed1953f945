package broker

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// homeVersion is the version of the folder's layout.
const homeVersion = 1

// home is the folder of one Cluster: brokers.json (this struct), ends.json and records/.
type home struct {
	dir       string
	Version   int    `json:"version"`
	ClusterID string `json:"cluster_id"`
	Brokers   int    `json:"brokers"`
	Ports     []int  `json:"ports"`   // of the last run
	Running   bool   `json:"running"` // stays true after a kill
}

func (h *home) file() string    { return filepath.Join(h.dir, "brokers.json") }
func (h *home) records() string { return filepath.Join(h.dir, "records") }

// openHome reads the folder, or makes it, and mends what a kill left behind.
func openHome(dir string) (*home, error) {
	if dir == "" {
		return nil, errors.New("embedded brokers: no folder to keep records in")
	}
	h := &home{dir: dir}
	data, err := os.ReadFile(h.file())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return newHome(dir)
	case err != nil:
		return nil, fmt.Errorf("embedded brokers: %w", err)
	}
	if err := json.Unmarshal(data, h); err != nil {
		return nil, fmt.Errorf("embedded brokers: %s is damaged: %w; restore it, or remove %s and all its records", h.file(), err, dir)
	}
	if h.Version != homeVersion {
		return nil, fmt.Errorf("embedded brokers: %s has version %d, this betimes writes version %d; use the betimes that wrote it, or another data_dir", dir, h.Version, homeVersion)
	}
	if h.Running {
		if err := mend(h.records()); err != nil {
			return nil, err
		}
	}
	return h, h.restoreEnds()
}

func newHome(dir string) (*home, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded brokers: %w", err)
	}
	id := make([]byte, 16)
	rand.Read(id)
	id[0] &= 0x7f // no leading '-' in the text form
	h := &home{dir: dir, Version: homeVersion, ClusterID: base64.RawURLEncoding.EncodeToString(id)}
	return h, h.save()
}

func (h *home) save() error {
	data, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return fmt.Errorf("embedded brokers: %w", err)
	}
	return replaceFile(h.file(), append(data, '\n'))
}

// replaceFile writes a file whole or not at all.
func replaceFile(path string, data []byte) error {
	fresh := path + ".new"
	if err := os.WriteFile(fresh, data, 0o600); err != nil {
		return fmt.Errorf("embedded brokers: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("embedded brokers: %w", err)
	}
	return nil
}
