package trail

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"math"
	"os"
)

// A segment file: magic, count, entries sorted by hash, CRC-32C of all that.
const (
	segmentMagic  = "betrail1"
	headerBytes   = int64(len(segmentMagic)) + 8
	trailerBytes  = 4
	blockEntries  = 128 // read at once when searching: 3 KiB
	bufferedBytes = 256 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func compareEntries(a, b entry) int {
	if c := cmp.Compare(a.hash, b.hash); c != 0 {
		return c
	}
	return cmp.Compare(a.seconds(), b.seconds())
}

// segment is one sealed file, open for reading.
type segment struct {
	path  string
	file  *os.File
	count int64
}

func (s *segment) bytes() int64 { return headerBytes + s.count*entryBytes + trailerBytes }

// writeSegment writes count entries to path; the file is there whole or not at all.
func writeSegment(path string, count int64, entries iter.Seq2[entry, error]) error {
	return replaceFile(path, func(w io.Writer) error {
		sum := crc32.New(castagnoli)
		out := bufio.NewWriterSize(io.MultiWriter(w, sum), bufferedBytes)
		_, _ = out.WriteString(segmentMagic) // errors stick to out until Flush
		_, _ = out.Write(binary.BigEndian.AppendUint64(nil, uint64(count)))
		var buf [entryBytes]byte
		var written int64
		for e, err := range entries {
			if err != nil {
				return err
			}
			_, _ = out.Write(e.append(buf[:0]))
			written++
		}
		if written != count {
			return fmt.Errorf("segment has %d entries instead of %d", written, count)
		}
		if err := out.Flush(); err != nil {
			return err
		}
		_, err := w.Write(binary.BigEndian.AppendUint32(nil, sum.Sum32()))
		return err
	})
}

// openSegment opens path and checks all of it.
func openSegment(path string) (*segment, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &segment{path: path, file: f}
	if err := s.check(); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func (s *segment) check() error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	var head [headerBytes]byte
	if _, err := s.file.ReadAt(head[:], 0); err != nil || string(head[:len(segmentMagic)]) != segmentMagic {
		return fmt.Errorf("is no segment of this version")
	}
	s.count = int64(binary.BigEndian.Uint64(head[len(segmentMagic):]))
	if s.count < 0 || s.count > info.Size()/entryBytes || s.bytes() != info.Size() {
		return fmt.Errorf("is %d bytes long, which does not fit its %d entries", info.Size(), s.count)
	}
	sum := crc32.New(castagnoli)
	body := io.NewSectionReader(s.file, 0, info.Size()-trailerBytes)
	if _, err := io.CopyBuffer(sum, onlyReader{body}, make([]byte, bufferedBytes)); err != nil {
		return err
	}
	var want [trailerBytes]byte
	if _, err := s.file.ReadAt(want[:], info.Size()-trailerBytes); err != nil {
		return err
	}
	if binary.BigEndian.Uint32(want[:]) != sum.Sum32() {
		return fmt.Errorf("has a wrong checksum")
	}
	return nil
}

// onlyReader hides WriteTo, so that the given buffer is used.
type onlyReader struct{ io.Reader }

// find appends the entries of a hash. Hashes are spread evenly, so a guess by
// proportion lands in the right block after two or three reads.
func (s *segment) find(hash uint64, out []entry) ([]entry, error) {
	var buf [blockEntries * entryBytes]byte
	lo, hi := int64(0), (s.count+blockEntries-1)/blockEntries
	loHash, hiHash := uint64(0), uint64(math.MaxUint64)
	for try := 0; lo < hi; try++ {
		at := lo + (hi-lo)/2
		if try < 8 && hiHash > loHash {
			share := float64(hash-loHash) / float64(hiHash-loHash)
			at = min(lo+int64(share*float64(hi-lo)), hi-1)
		}
		block, err := s.block(at, buf[:])
		if err != nil {
			return out, err
		}
		first, last := readEntry(block).hash, readEntry(block[len(block)-entryBytes:]).hash
		switch {
		case last < hash:
			lo, loHash = at+1, last
		case first >= hash:
			hi, hiHash = at, first
		default:
			lo, hi = at, at
		}
	}
	return s.collect(lo, hash, buf[:], out)
}

// collect appends the entries of a hash from block at on.
func (s *segment) collect(at int64, hash uint64, buf []byte, out []entry) ([]entry, error) {
	for ; at*blockEntries < s.count; at++ {
		block, err := s.block(at, buf)
		if err != nil {
			return out, err
		}
		for ; len(block) > 0; block = block[entryBytes:] {
			e := readEntry(block)
			if e.hash > hash {
				return out, nil
			}
			if e.hash == hash {
				out = append(out, e)
			}
		}
	}
	return out, nil
}

func (s *segment) block(at int64, buf []byte) ([]byte, error) {
	n := min(blockEntries, s.count-at*blockEntries) * entryBytes
	if _, err := s.file.ReadAt(buf[:n], headerBytes+at*blockEntries*entryBytes); err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	return buf[:n], nil
}

// all gives every entry in order.
func (s *segment) all() iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		in := bufio.NewReaderSize(io.NewSectionReader(s.file, headerBytes, s.count*entryBytes), bufferedBytes)
		var buf [entryBytes]byte
		for range s.count {
			if _, err := io.ReadFull(in, buf[:]); err != nil {
				yield(entry{}, fmt.Errorf("%s: %w", s.path, err))
				return
			}
			if !yield(readEntry(buf[:]), nil) {
				return
			}
		}
	}
}

// remove closes and deletes the file.
func (s *segment) remove() error {
	_ = s.file.Close() // was only read
	return os.Remove(s.path)
}
