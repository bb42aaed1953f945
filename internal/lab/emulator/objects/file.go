package objects

import (
	"crypto/md5" //nolint:gosec // ETag is MD5 by definition
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"betimes/internal/lab/emulator/store"
)

// maxTrailer bounds what is read as an object's JSON.
const maxTrailer = 1 << 20

// Put keeps the bytes of r as an object. info gives Key, Headers and what the
// client claims in Checksums; the rest is filled in.
func (b *Buckets) Put(bucketName string, info Info, r io.Reader) (Info, error) {
	if !b.Has(bucketName) {
		return Info{}, fmt.Errorf("s3://%s: %w", bucketName, ErrNoObject)
	}
	f, err := os.CreateTemp(b.bucketDir(bucketName), ".new-*")
	if err != nil {
		return Info{}, err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	sum, crc := md5.New(), crc32.NewIEEE()
	if info.Size, err = io.Copy(io.MultiWriter(f, sum, crc), r); err != nil {
		_ = f.Close()
		return Info{}, err
	}
	if len(info.Checksums) == 0 { // S3 computes one itself when the client sent none
		info.Checksums = map[string]string{checksumPrefix + "crc32": crc32Of(crc)}
	}
	if info.ETag == "" { // a multipart upload brings its own
		info.ETag = `"` + hex.EncodeToString(sum.Sum(nil)) + `"`
	}
	info.Modified = b.clock.Now().UTC()
	if err := writeTrailer(f, info); err != nil {
		_ = f.Close()
		return Info{}, err
	}
	return info, b.commit(f, bucketName, info)
}

// commit gives the file its name and tells about it, in one step for readers.
func (b *Buckets) commit(f *os.File, bucketName string, info Info) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	bk := b.buckets[bucketName]
	if bk == nil {
		_ = f.Close()
		return fmt.Errorf("s3://%s: %w", bucketName, ErrNoObject)
	}
	if err := store.Commit(f, b.file(bucketName, info.Key)); err != nil {
		return err
	}
	bk.objects[info.Key] = info
	return nil
}

// Delete removes an object; one that is not there is no error.
func (b *Buckets) Delete(bucketName, key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	bk := b.buckets[bucketName]
	if bk == nil {
		return fmt.Errorf("s3://%s: %w", bucketName, ErrNoObject)
	}
	if _, ok := bk.objects[key]; !ok {
		return nil
	}
	delete(bk.objects, key)
	return os.Remove(b.file(bucketName, key))
}

func writeTrailer(f *os.File, info Info) error {
	about, err := json.Marshal(info)
	if err != nil {
		return err
	}
	_, err = f.Write(binary.BigEndian.AppendUint32(about, uint32(len(about))))
	return err
}

func readInfo(path string) (Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return Info{}, fmt.Errorf("emulator objects: %w", err)
	}
	defer f.Close()
	return trailer(f)
}

// trailer reads what the file says about itself at its end.
func trailer(f *os.File) (Info, error) {
	stat, err := f.Stat()
	if err != nil {
		return Info{}, err
	}
	end := stat.Size()
	var length [4]byte
	if _, err := f.ReadAt(length[:], max(0, end-4)); err != nil {
		return Info{}, damaged(f, err)
	}
	n := int64(binary.BigEndian.Uint32(length[:]))
	if n > maxTrailer || n+4 > end {
		return Info{}, damaged(f, fmt.Errorf("its last 4 bytes are no length"))
	}
	about := make([]byte, n)
	if _, err := f.ReadAt(about, end-4-n); err != nil {
		return Info{}, damaged(f, err)
	}
	var info Info
	if err := json.Unmarshal(about, &info); err != nil {
		return Info{}, damaged(f, err)
	}
	if info.Size != end-4-n {
		return Info{}, damaged(f, fmt.Errorf("it says %d bytes and holds %d", info.Size, end-4-n))
	}
	return info, nil
}

func damaged(f *os.File, err error) error {
	return fmt.Errorf("emulator objects: %s is damaged: %w; remove the file", f.Name(), err)
}
