package objects

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"
	"time"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/store"
)

// Buckets holds all buckets. Make one with Open.
type Buckets struct {
	dir   string
	clock *clock.Clock

	mu      sync.RWMutex
	buckets map[string]*bucket
	uploads map[string]*upload
}

type bucket struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Region  string    `json:"region,omitempty"`  // empty: us-east-1
	Account string    `json:"account,omitempty"` // of the owner; empty: 000000000000
	objects map[string]Info
}

// Info is what is known about an object.
type Info struct {
	Key       string            `json:"key"`
	Size      int64             `json:"size"`
	ETag      string            `json:"etag"` // with its quotes
	Modified  time.Time         `json:"modified"`
	Headers   map[string]string `json:"headers,omitempty"`   // content type and others that are given back
	Checksums map[string]string `json:"checksums,omitempty"` // x-amz-checksum-crc32 → base64
	Parts     int               `json:"parts,omitempty"`     // of a multipart upload
}

// ErrNoObject says that there is no such bucket or key.
var ErrNoObject = errors.New("no such object")

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// Open finds or makes the folder and reads what is in it.
func Open(dir string, c *clock.Clock) (*Buckets, error) {
	b := &Buckets{dir: dir, clock: c, buckets: map[string]*bucket{}, uploads: map[string]*upload{}}
	for _, sub := range []string{"buckets", "uploads"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("emulator objects: %w", err)
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, "buckets"))
	if err != nil {
		return nil, fmt.Errorf("emulator objects: %w", err)
	}
	for _, e := range entries {
		if err := b.read(e.Name()); err != nil {
			return nil, err
		}
	}
	return b, b.readUploads()
}

// read loads one bucket; files that a kill left unfinished are removed.
func (b *Buckets) read(name string) error {
	found := &bucket{objects: map[string]Info{}}
	path := b.bucketDir(name)
	about, err := os.ReadFile(filepath.Join(path, "bucket.json"))
	if errors.Is(err, os.ErrNotExist) {
		return os.RemoveAll(path) // killed while it was made or removed
	}
	if err == nil {
		err = json.Unmarshal(about, found)
	}
	if err != nil {
		return fmt.Errorf("emulator objects: bucket %s: %w", name, err)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("emulator objects: %w", err)
	}
	for _, e := range entries {
		file := filepath.Join(path, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), ".new-"):
			_ = os.Remove(file)
		case strings.HasSuffix(e.Name(), ".object"):
			info, err := readInfo(file)
			if err != nil {
				return err
			}
			found.objects[info.Key] = info
		}
	}
	b.buckets[name] = found
	return nil
}

func (b *Buckets) bucketDir(name string) string { return filepath.Join(b.dir, "buckets", name) }

func (b *Buckets) file(bucketName, key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(b.bucketDir(bucketName), hex.EncodeToString(sum[:])+".object")
}

// The place of buckets that say no other, as all do that were made before there were others.
const (
	firstRegion  = "us-east-1"
	firstAccount = "000000000000"
)

// What stands in the way of a bucket: one of that name, the caller's own or another's.
var (
	errOwned = errors.New("the caller has a bucket of that name")
	errTaken = errors.New("another account has a bucket of that name")
)

// Create makes a bucket of an account in a region.
func (b *Buckets) Create(name, region, account string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if found := b.buckets[name]; found != nil {
		if found.owner() != account {
			return errTaken
		}
		return errOwned
	}
	made := &bucket{Name: name, Region: region, Account: account, Created: b.clock.Now().UTC(), objects: map[string]Info{}}
	if err := os.MkdirAll(b.bucketDir(name), 0o700); err != nil {
		return err
	}
	about, err := json.Marshal(made)
	if err == nil {
		err = store.WriteFile(filepath.Join(b.bucketDir(name), "bucket.json"), about)
	}
	if err == nil {
		b.buckets[name] = made
	}
	return err
}

// region is where a bucket is.
func (b *Buckets) region(name string) string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if bk := b.buckets[name]; bk != nil {
		return bk.region()
	}
	return firstRegion
}

func (b *bucket) region() string { return cmp.Or(b.Region, firstRegion) }

func (b *bucket) owner() string { return cmp.Or(b.Account, firstAccount) }

// Read opens an object; the caller closes it.
func (b *Buckets) Read(bucketName, key string) (io.ReadSeekCloser, Info, error) {
	info, ok := b.Info(bucketName, key)
	if !ok {
		return nil, Info{}, fmt.Errorf("s3://%s/%s: %w", bucketName, key, ErrNoObject)
	}
	// The file may have been replaced since: what the file itself says counts.
	f, err := os.Open(b.file(bucketName, key))
	if errors.Is(err, os.ErrNotExist) {
		return nil, Info{}, fmt.Errorf("s3://%s/%s: %w", bucketName, key, ErrNoObject)
	}
	if err != nil {
		return nil, Info{}, err
	}
	if info, err = trailer(f); err != nil {
		_ = f.Close()
		return nil, Info{}, err
	}
	return &body{SectionReader: io.NewSectionReader(f, 0, info.Size), file: f}, info, nil
}

type body struct {
	*io.SectionReader
	file *os.File
}

func (b *body) Close() error { return b.file.Close() }

// Info tells about an object.
func (b *Buckets) Info(bucketName, key string) (Info, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	bk := b.buckets[bucketName]
	if bk == nil {
		return Info{}, false
	}
	info, ok := bk.objects[key]
	return info, ok
}

// Has says whether there is a bucket of that name.
func (b *Buckets) Has(bucketName string) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.buckets[bucketName] != nil
}

// Keys lists the keys that begin with prefix, in order.
func (b *Buckets) Keys(bucketName, prefix string) []string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	bk := b.buckets[bucketName]
	if bk == nil {
		return nil
	}
	var keys []string
	for k := range bk.objects {
		if strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	return keys
}

// Clear removes everything.
func (b *Buckets) Clear() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buckets, b.uploads = map[string]*bucket{}, map[string]*upload{}
	for _, sub := range []string{"buckets", "uploads"} {
		if err := os.RemoveAll(filepath.Join(b.dir, sub)); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(b.dir, sub), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// Summary is name → number of objects, for the state page.
func (b *Buckets) Summary() map[string]int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	sum := map[string]int{}
	for name, bk := range b.buckets {
		sum[name] = len(bk.objects)
	}
	return sum
}
