package objects

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"betimes/internal/lab/emulator/reply"
	"betimes/internal/lab/emulator/store"
)

// ofAnUpload makes an operation of one that needs the upload it is about.
func ofAnUpload(run func(*Server, call, *upload) error) func(*Server, call) error {
	return func(s *Server, c call) error {
		u, err := s.upload(c)
		if err != nil {
			return err
		}
		return run(s, c, u)
	}
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

// putPart is UploadPart.
func (s *Server) putPart(c call, u *upload) error {
	n, err := c.partNumber()
	if err != nil {
		return err
	}
	body, sums, err := received(c.r)
	if err != nil {
		return err
	}
	p, err := s.Buckets.putPart(u, n, body)
	if err != nil {
		return err
	}
	c.w.Header().Set("Etag", p.ETag)
	for name, sum := range sums {
		c.w.Header().Set(name, sum)
	}
	return nil
}

// copyPart is UploadPartCopy.
func (s *Server) copyPart(c call, u *upload) error {
	n, err := c.partNumber()
	if err != nil {
		return err
	}
	from, info, err := s.source(c)
	if err != nil {
		return err
	}
	defer from.Close()
	body, err := section(from, c.r.Header.Get("X-Amz-Copy-Source-Range"), info.Size)
	if err != nil {
		return err
	}
	p, err := s.Buckets.putPart(u, n, body)
	if err != nil {
		return err
	}
	writeXML(c.w, http.StatusOK, copied{xml.Name{Local: "CopyPartResult"}, p.ETag, p.When.Format(stamp)})
	return nil
}

func (c call) partNumber() (int, error) {
	n, err := strconv.Atoi(c.r.URL.Query().Get("partNumber"))
	if err != nil || n < 1 || n > maxParts {
		return 0, fail(http.StatusBadRequest, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
	}
	return n, nil
}

// section is the bytes=FIRST-LAST of an object; all of it when no range is given.
func section(from io.ReadSeeker, text string, size int64) (io.Reader, error) {
	if text == "" {
		return from, nil
	}
	bounds, ok := strings.CutPrefix(text, "bytes=")
	low, high, both := strings.Cut(bounds, "-")
	first, err := strconv.ParseInt(low, 10, 64)
	last, err2 := strconv.ParseInt(high, 10, 64)
	if !ok || !both || err != nil || err2 != nil || first < 0 || last < first {
		return nil, fail(http.StatusBadRequest, "InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
	}
	if last >= size {
		return nil, fail(http.StatusBadRequest, "InvalidArgument", "Range specified is not valid for source object of size: "+strconv.FormatInt(size, 10))
	}
	if _, err := from.Seek(first, io.SeekStart); err != nil {
		return nil, err
	}
	return io.LimitReader(from, last-first+1), nil
}

func (s *Server) abortUpload(c call, u *upload) error {
	s.Buckets.forget(u.ID)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
