package trail

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// manifestFormat is the version of everything in the folder.
const manifestFormat = 1

// manifest says which files count and up to where the topics are in them.
type manifest struct {
	Format    int              `json:"format"`
	Salt      []byte           `json:"salt"`
	Topics    []string         `json:"topics"` // an entry's topic is a place in this list
	Segments  []string         `json:"segments"`
	Next      int              `json:"next"` // number of the next segment
	Positions []storedPosition `json:"positions"`
}

type storedPosition struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Next      int64  `json:"next"`
}

func manifestPath(dir string) string { return filepath.Join(dir, "manifest.json") }

// readManifest reads the folder's manifest; fs.ErrNotExist when it is new.
func readManifest(dir string) (manifest, error) {
	var m manifest
	data, err := os.ReadFile(manifestPath(dir))
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("%s: %w", manifestPath(dir), err)
	}
	if m.Format != manifestFormat || len(m.Salt) == 0 || len(m.Topics) > maxTopics {
		return m, fmt.Errorf("%s: is of format %d, this version reads %d", manifestPath(dir), m.Format, manifestFormat)
	}
	for _, name := range m.Segments {
		if name != filepath.Base(name) {
			return m, fmt.Errorf("%s: names a file elsewhere", manifestPath(dir))
		}
	}
	return m, nil
}

func (m manifest) write(dir string) error {
	return replaceFile(manifestPath(dir), func(w io.Writer) error {
		return json.NewEncoder(w).Encode(m)
	})
}

func (m manifest) positions() Positions {
	out := make(Positions, len(m.Positions))
	for _, p := range m.Positions {
		out[Partition{p.Topic, p.Partition}] = p.Next
	}
	return out
}

func storedPositions(ps Positions) []storedPosition {
	out := make([]storedPosition, 0, len(ps))
	for p, next := range ps {
		out = append(out, storedPosition{p.Topic, p.Number, next})
	}
	return out
}

// removeStrays deletes segments and half-written files that m does not name.
func (m manifest) removeStrays(dir string) error {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, f := range files {
		name := f.Name()
		ours := filepath.Ext(name) == segmentExt || len(name) > 5 && name[:5] == ".new-"
		if ours && !slices.Contains(m.Segments, name) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, name)))
		}
	}
	return err
}
