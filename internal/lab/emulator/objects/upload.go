package objects

import (
	"crypto/md5" //nolint:gosec // ETag is MD5 by definition
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"betimes/internal/lab/emulator/store"
)

const maxParts = 10000

// upload is a multipart upload in the making; parts are guarded by Buckets.mu.
type upload struct {
	ID      string            `json:"id"`
	Bucket  string            `json:"bucket"`
	Key     string            `json:"key"`
	Headers map[string]string `json:"headers"`
	Started time.Time         `json:"started"`
	parts   map[int]part
}

// part is one part on disk: its file has the form of an object.
type part struct {
	ETag string
	Size int64
	When time.Time
}

func (b *Buckets) uploadDir(id string) string { return filepath.Join(b.dir, "uploads", id) }

func (b *Buckets) partFile(id string, n int) string {
	return filepath.Join(b.uploadDir(id), strconv.Itoa(n)+".part")
}

// readUploads finds the uploads that were in the making.
func (b *Buckets) readUploads() error {
	entries, err := os.ReadDir(filepath.Join(b.dir, "uploads"))
	if err != nil {
		return fmt.Errorf("emulator objects: %w", err)
	}
	for _, e := range entries {
		about, err := os.ReadFile(filepath.Join(b.uploadDir(e.Name()), "upload.json"))
		u := &upload{parts: map[int]part{}}
		if err != nil || json.Unmarshal(about, u) != nil { // killed while it was made
			_ = os.RemoveAll(b.uploadDir(e.Name()))
			continue
		}
		if err := b.readParts(u); err != nil {
			return err
		}
		b.uploads[u.ID] = u
	}
	return nil
}

func (b *Buckets) readParts(u *upload) error {
	files, err := filepath.Glob(filepath.Join(b.uploadDir(u.ID), "*.part"))
	if err != nil {
		return err
	}
	for _, path := range files {
		info, err := readInfo(path)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), ".part"))
		if err == nil {
			u.parts[n] = part{info.ETag, info.Size, info.Modified}
		}
	}
	return nil
}

func (b *Buckets) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.uploads, id)
	_ = os.RemoveAll(b.uploadDir(id)) // what stays is removed at the next start
}

func (b *Buckets) putPart(u *upload, n int, body io.Reader) (part, error) {
	if closer, ok := body.(io.Closer); ok {
		defer closer.Close()
	}
	f, err := os.CreateTemp(b.uploadDir(u.ID), ".new-*")
	if err != nil {
		return part{}, err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	sum := md5.New()
	size, err := io.Copy(io.MultiWriter(f, sum), body)
	info := Info{Key: u.Key, Size: size, ETag: `"` + hex.EncodeToString(sum.Sum(nil)) + `"`, Modified: b.clock.Now().UTC()}
	if err == nil {
		err = writeTrailer(f, info)
	}
	if err != nil {
		_ = f.Close()
		return part{}, err
	}
	if err := store.Commit(f, b.partFile(u.ID, n)); err != nil {
		return part{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	u.parts[n] = part{info.ETag, info.Size, info.Modified}
	return u.parts[n], nil
}
