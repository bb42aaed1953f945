package broker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// segmentTimes are what cleaning needs of one segment file. It is read once, and
// what is added to it later.
type segmentTimes struct {
	size           int64         // bytes of whole batches
	end            int64         // the offset after its last record
	newest, oldest int64         // of its batches' times, in milliseconds
	back           time.Duration // the most that a batch lies behind the time of an earlier one
}

// segments are those of a partition, the first first. What was read before is
// taken from known, what is read now is entered in seen.
func (c *cleaner) segments(t topic, partition int, compacted bool, seen map[string]*segmentTimes) ([]*segmentTimes, error) {
	dir := c.home.partition(t, partition)
	bases, err := segmentBases(dir)
	if err != nil {
		return nil, err
	}
	var list []*segmentTimes
	newest := int64(0)
	for _, base := range bases {
		name := fmt.Sprintf("%s/%d/%d", t.ID, partition, base)
		s := c.known[name]
		if s == nil || compacted { // compaction writes segments anew
			s = &segmentTimes{}
		}
		err := s.read(filepath.Join(dir, strconv.FormatInt(base, 10)+".dat"), newest)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("embedded brokers: %w", err)
		}
		seen[name] = s
		newest = max(newest, s.newest)
		list = append(list, s)
	}
	return list, nil
}

// segmentBases are the first offsets of a partition's segments, in order.
func segmentBases(dir string) ([]int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("embedded brokers: %w", err)
	}
	var bases []int64
	for _, e := range entries {
		if digits, ok := strings.CutSuffix(e.Name(), ".dat"); ok {
			if base, err := strconv.ParseInt(digits, 10, 64); err == nil {
				bases = append(bases, base)
			}
		}
	}
	slices.Sort(bases)
	return bases, nil
}

// read takes the batches that were added. before is the newest time of earlier segments.
func (s *segmentTimes) read(path string, before int64) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	var head [batchHeaderSize]byte
	for s.size+batchHeaderSize <= info.Size() {
		if _, err := file.ReadAt(head[:], s.size); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		size := 12 + int64(binary.BigEndian.Uint32(head[atLength:]))
		if size < batchHeaderSize || s.size+size > info.Size() {
			break // it is being written
		}
		s.add(readHeader(head[:]), size, before)
	}
	return nil
}

func (s *segmentTimes) add(b batchHeader, size, before int64) {
	at := max(b.newest, 0) // a record without a time has -1
	if s.size == 0 {
		s.newest, s.oldest = at, at
	}
	s.back = max(s.back, time.Duration(max(before, s.newest)-at)*time.Millisecond)
	s.newest, s.oldest = max(s.newest, at), min(s.oldest, at)
	s.size += size
	s.end = b.offset + int64(b.records)
}
