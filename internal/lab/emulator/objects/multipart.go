package objects

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"betimes/internal/lab/emulator/reply"
	"betimes/internal/lab/emulator/store"
)

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
