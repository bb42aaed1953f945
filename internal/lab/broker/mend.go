package broker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// mend repairs what a kill leaves behind and kfake does not repair itself.
// kfake cuts a torn batch off a segment, but
//   - it reads past a torn entry at the end of groups.log and pids.log without
//     cutting it off, so that whatever is appended later is lost at the next start;
//   - it never fills up an index that is behind its segment, so that every later
//     batch gets the index entry of another;
//   - it writes the producers' sequence numbers only at a clean end, so that a
//     batch sent again after a kill would be written again.
func mend(records string) error {
	for _, name := range []string{"groups.log", "pids.log"} {
		if err := mendLog(filepath.Join(records, name)); err != nil {
			return err
		}
	}
	dirs, err := os.ReadDir(filepath.Join(records, "partitions"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("embedded brokers: %w", err)
	}
	seqs := make(sequences)
	for _, d := range dirs {
		batches, err := mendPartition(filepath.Join(records, "partitions", d.Name()))
		if err != nil {
			return err
		}
		seqs.add(d.Name(), batches)
	}
	return seqs.save(records)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// mendLog cuts a log of entries (length, CRC of the rest, version and data;
// little-endian) after its last whole one.
func mendLog(path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("embedded brokers: %w", err)
	}
	if whole := wholeEntries(data); whole < len(data) {
		return truncate(path, int64(whole))
	}
	return nil
}

func wholeEntries(data []byte) int {
	at := 0
	for len(data)-at >= 10 {
		n := int(binary.LittleEndian.Uint32(data[at:]))
		if n < 2 || n > len(data)-at-8 {
			break
		}
		body := data[at+8 : at+8+n]
		if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(data[at+4:]) {
			break
		}
		at += 8 + n
	}
	return at
}

func truncate(path string, size int64) error {
	if err := os.Truncate(path, size); err != nil {
		return fmt.Errorf("embedded brokers: cut off a torn write: %w", err)
	}
	return nil
}

// segmentsToMend is how many of a partition's newest segments are looked at: the
// last may be torn, the one before may hold batches that are sent again.
const segmentsToMend = 2

// mendPartition makes segments and their indexes agree and returns their batches.
func mendPartition(dir string) ([]batchHeader, error) {
	bases, err := segmentBases(dir)
	if err != nil {
		return nil, err
	}
	var all []batchHeader
	for _, base := range bases[max(len(bases)-segmentsToMend, 0):] {
		batches, err := mendSegment(filepath.Join(dir, strconv.FormatInt(base, 10)))
		if err != nil {
			return nil, err
		}
		all = append(all, batches...)
	}
	return all, nil
}

// mendSegment cuts path.dat after its last whole batch and gives path.idx one
// entry per batch.
func mendSegment(path string) ([]batchHeader, error) {
	data, err := os.ReadFile(path + ".dat")
	if err != nil {
		return nil, fmt.Errorf("embedded brokers: %w", err)
	}
	batches, whole := wholeBatches(data)
	if whole < len(data) {
		if err := truncate(path+".dat", int64(whole)); err != nil {
			return nil, err
		}
	}
	index, err := os.ReadFile(path + ".idx")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("embedded brokers: %w", err)
	}
	if len(index) != len(batches)*indexEntrySize {
		if err := os.WriteFile(path+".idx", fillIndex(index, batches), 0o600); err != nil {
			return nil, fmt.Errorf("embedded brokers: %w", err)
		}
	}
	return batches, nil
}

// indexEntrySize is kfake's: version, CRC (lowest byte), epoch, time, transaction.
const indexEntrySize = 15

// fillIndex keeps the whole entries there are and makes the missing ones. The
// time is recomputed by kfake at load; a transaction that was open is aborted.
func fillIndex(index []byte, batches []batchHeader) []byte {
	have := min(len(index)/indexEntrySize, len(batches))
	index = index[:have*indexEntrySize]
	for _, b := range batches[have:] {
		var e [indexEntrySize]byte
		e[0] = 1
		binary.LittleEndian.PutUint32(e[2:], uint32(b.leaderEpoch))
		if b.transactional {
			e[14] = 1
		}
		e[1] = byte(crc32.Checksum(e[2:], castagnoli))
		index = append(index, e[:]...)
	}
	return index
}
