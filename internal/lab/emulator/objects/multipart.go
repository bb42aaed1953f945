package objects

import (
	"crypto/md5" //nolint:gosec // ETag is MD5 by definition
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"betimes/internal/lab/emulator/reply"
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

func (s *Server) multipart(c call) error {
	if c.has("uploads") && c.r.Method == http.MethodPost {
		return s.beginUpload(c)
	}
	u, err := s.upload(c)
	if err != nil {
		return err
	}
	switch c.r.Method {
	case http.MethodPut:
		return s.putPart(c, u)
	case http.MethodPost:
		return s.completeUpload(c, u)
	case http.MethodDelete:
		s.Buckets.forget(u.ID)
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	case http.MethodGet:
		return s.listParts(c, u)
	}
	return fail(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
}

func (s *Server) upload(c call) (*upload, error) {
	s.Buckets.mu.RLock()
	defer s.Buckets.mu.RUnlock()
	u := s.Buckets.uploads[c.r.URL.Query().Get("uploadId")]
	if u == nil || u.Bucket != c.bucket || u.Key != c.key {
		return nil, fail(http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	}
	return u, nil
}

func (b *Buckets) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.uploads, id)
	_ = os.RemoveAll(b.uploadDir(id)) // what stays is removed at the next start
}

type begun struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
	Bucket   string   `xml:"Bucket"`
	Key      string   `xml:"Key"`
	UploadID string   `xml:"UploadId"`
}

func (s *Server) beginUpload(c call) error {
	b := s.Buckets
	u := &upload{ID: strings.ReplaceAll(reply.ID(), "-", ""), Bucket: c.bucket, Key: c.key, Headers: headersOf(c.r.Header), Started: b.clock.Now().UTC(), parts: map[int]part{}}
	if err := os.MkdirAll(b.uploadDir(u.ID), 0o700); err != nil {
		return err
	}
	about, err := json.Marshal(u)
	if err == nil {
		err = store.WriteFile(filepath.Join(b.uploadDir(u.ID), "upload.json"), about)
	}
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.uploads[u.ID] = u
	b.mu.Unlock()
	writeXML(c.w, http.StatusOK, begun{Bucket: c.bucket, Key: c.key, UploadID: u.ID})
	return nil
}

// putPart is UploadPart and UploadPartCopy.
func (s *Server) putPart(c call, u *upload) error {
	n, err := strconv.Atoi(c.r.URL.Query().Get("partNumber"))
	if err != nil || n < 1 || n > maxParts {
		return fail(http.StatusBadRequest, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
	}
	body, sums, isCopy, err := s.partBody(c)
	if err != nil {
		return err
	}
	p, err := s.Buckets.putPart(u, n, body)
	if err != nil {
		return err
	}
	if isCopy {
		writeXML(c.w, http.StatusOK, copied{xml.Name{Local: "CopyPartResult"}, p.ETag, p.When.Format(stamp)})
		return nil
	}
	c.w.Header().Set("Etag", p.ETag)
	for name, sum := range sums {
		c.w.Header().Set(name, sum)
	}
	return nil
}

func (s *Server) partBody(c call) (io.Reader, map[string]string, bool, error) {
	if c.r.Header.Get("X-Amz-Copy-Source") == "" {
		body, sums, err := received(c.r)
		return body, sums, false, err
	}
	if text := c.r.Header.Get("X-Amz-Copy-Source-Range"); text != "" {
		return nil, nil, true, notBuilt("X-Amz-Copy-Source-Range")
	}
	from, _, err := s.source(c)
	if err != nil {
		return nil, nil, true, err
	}
	return from, nil, true, nil
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

type completion struct {
	Parts []struct {
		Number int    `xml:"PartNumber"`
		ETag   string `xml:"ETag"`
	} `xml:"Part"`
}

type completed struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
	Location string   `xml:"Location"`
	Bucket   string   `xml:"Bucket"`
	Key      string   `xml:"Key"`
	ETag     string   `xml:"ETag"`
}

func (s *Server) completeUpload(c call, u *upload) error {
	raw, err := readLimited(c.r.Body, maxDeletion)
	if err != nil {
		return err
	}
	var want completion
	if err := xml.Unmarshal(raw, &want); err != nil || len(want.Parts) == 0 {
		return fail(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	numbers, etag, err := s.Buckets.chosen(u, want)
	if err != nil {
		return err
	}
	joined := &joiner{buckets: s.Buckets, id: u.ID, numbers: numbers}
	defer joined.Close()
	info, err := s.Buckets.Put(u.Bucket, Info{Key: u.Key, Headers: u.Headers, ETag: etag, Parts: len(numbers)}, joined)
	if err != nil {
		return err
	}
	s.Buckets.forget(u.ID)
	writeXML(c.w, http.StatusOK, completed{Location: "/" + u.Bucket + "/" + u.Key, Bucket: u.Bucket, Key: u.Key, ETag: info.ETag})
	return nil
}

// chosen checks the list of parts and computes the ETag of the whole: MD5 of the parts' MD5s.
func (b *Buckets) chosen(u *upload, want completion) ([]int, string, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	sum := md5.New()
	var numbers []int
	for i, p := range want.Parts {
		if i > 0 && p.Number <= want.Parts[i-1].Number {
			return nil, "", fail(http.StatusBadRequest, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
		have, ok := u.parts[p.Number]
		if !ok || strings.Trim(have.ETag, `"`) != strings.Trim(p.ETag, `"`) {
			return nil, "", fail(http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be found.")
		}
		if have.Size < 5<<20 && i < len(want.Parts)-1 {
			return nil, "", fail(http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
		raw, err := hex.DecodeString(strings.Trim(have.ETag, `"`))
		if err != nil {
			return nil, "", err
		}
		sum.Write(raw)
		numbers = append(numbers, p.Number)
	}
	return numbers, fmt.Sprintf(`"%s-%d"`, hex.EncodeToString(sum.Sum(nil)), len(numbers)), nil
}

// joiner reads the parts one after another.
type joiner struct {
	buckets *Buckets
	id      string
	numbers []int
	file    *os.File
	current io.Reader
}

// Read reads on, opening the next part where one ends.
func (j *joiner) Read(p []byte) (int, error) {
	for {
		if j.current == nil {
			if len(j.numbers) == 0 {
				return 0, io.EOF
			}
			if err := j.open(); err != nil {
				return 0, err
			}
		}
		n, err := j.current.Read(p)
		if err == io.EOF {
			j.Close()
			err = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (j *joiner) open() error {
	f, err := os.Open(j.buckets.partFile(j.id, j.numbers[0]))
	if err != nil {
		return err
	}
	info, err := trailer(f)
	if err != nil {
		_ = f.Close()
		return err
	}
	j.file, j.current, j.numbers = f, io.NewSectionReader(f, 0, info.Size), j.numbers[1:]
	return nil
}

// Close closes the part that is open.
func (j *joiner) Close() {
	if j.file != nil {
		_ = j.file.Close()
	}
	j.file, j.current = nil, nil
}

type partList struct {
	XMLName     xml.Name    `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
	Bucket      string      `xml:"Bucket"`
	Key         string      `xml:"Key"`
	UploadID    string      `xml:"UploadId"`
	MaxParts    int         `xml:"MaxParts"`
	IsTruncated bool        `xml:"IsTruncated"`
	Parts       []partEntry `xml:"Part"`
}

type partEntry struct {
	Number       int    `xml:"PartNumber"`
	LastModified string `xml:"LastModified"`
	ETag         string `xml:"ETag"`
	Size         int64  `xml:"Size"`
}

func (s *Server) listParts(c call, u *upload) error {
	out := partList{Bucket: u.Bucket, Key: u.Key, UploadID: u.ID, MaxParts: maxParts}
	s.Buckets.mu.RLock()
	for n, p := range u.parts {
		out.Parts = append(out.Parts, partEntry{n, p.When.Format(stamp), p.ETag, p.Size})
	}
	s.Buckets.mu.RUnlock()
	sort.Slice(out.Parts, func(i, j int) bool { return out.Parts[i].Number < out.Parts[j].Number })
	writeXML(c.w, http.StatusOK, out)
	return nil
}

type uploadList struct {
	XMLName     xml.Name      `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
	Bucket      string        `xml:"Bucket"`
	IsTruncated bool          `xml:"IsTruncated"`
	Uploads     []uploadEntry `xml:"Upload"`
}

type uploadEntry struct {
	Key       string `xml:"Key"`
	UploadID  string `xml:"UploadId"`
	Initiated string `xml:"Initiated"`
}

func (s *Server) listUploads(c call) error {
	out := uploadList{Bucket: c.bucket}
	s.Buckets.mu.RLock()
	for _, u := range s.Buckets.uploads {
		if u.Bucket == c.bucket {
			out.Uploads = append(out.Uploads, uploadEntry{u.Key, u.ID, u.Started.Format(stamp)})
		}
	}
	s.Buckets.mu.RUnlock()
	sort.Slice(out.Uploads, func(i, j int) bool { return out.Uploads[i].Key < out.Uploads[j].Key })
	writeXML(c.w, http.StatusOK, out)
	return nil
}
