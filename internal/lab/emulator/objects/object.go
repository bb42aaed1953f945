package objects

import (
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"betimes/internal/lab/emulator/signature"
)

// kept are the headers of a PUT that a GET gives back.
var kept = []string{"Content-Type", "Content-Encoding", "Content-Language", "Content-Disposition", "Cache-Control", "Expires"}

const metaPrefix = "X-Amz-Meta-"

func (s *Server) deleteObject(c call) error {
	if err := s.Buckets.Delete(c.bucket, c.key); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// received is the decoded and verified body of a PUT; the map has its checksums once it was read.
func received(r *http.Request) (io.Reader, map[string]string, error) {
	if !isChunked(r.Header) {
		sums := checksums(r.Header)
		c, err := newChecked(r.Body, r.Header, nil)
		return c, sums, err
	}
	ch := newChunked(r.Body, signature.ChunksOf(r.Context()))
	sums := checksums(r.Header)
	c, err := newChecked(ch, r.Header, func() http.Header { return ch.trailer })
	return &tee{c, func() { maps.Copy(sums, checksums(ch.trailer)) }}, sums, err
}

// tee calls end when its reader is at its end.
type tee struct {
	io.Reader
	end func()
}

// Read reads on.
func (t *tee) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	if err == io.EOF {
		t.end()
	}
	return n, err
}

// headersOf are the headers to keep; aws-chunked is of the transfer, not of the object.
func headersOf(h http.Header) map[string]string {
	keep := map[string]string{}
	for _, name := range kept {
		if v := h.Get(name); v != "" {
			keep[name] = v
		}
	}
	if enc, ok := keep["Content-Encoding"]; ok {
		enc = strings.Trim(strings.ReplaceAll(enc, "aws-chunked", ""), ", ")
		if keep["Content-Encoding"] = enc; enc == "" {
			delete(keep, "Content-Encoding")
		}
	}
	for name := range h {
		if strings.HasPrefix(name, metaPrefix) {
			keep[strings.ToLower(name)] = h.Get(name) // clients take the case of metadata from the wire
		}
	}
	return keep
}

func (s *Server) put(c call) error {
	body, sums, err := received(c.r)
	if err != nil {
		return err
	}
	if c.r.Header.Get("If-None-Match") == "*" {
		if _, exists := s.Buckets.Info(c.bucket, c.key); exists {
			return fail(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
		}
	}
	info, err := s.Buckets.Put(c.bucket, Info{Key: c.key, Headers: headersOf(c.r.Header), Checksums: sums}, body)
	if err != nil {
		return err
	}
	c.w.Header().Set("Etag", info.ETag)
	for name, sum := range info.Checksums {
		c.w.Header().Set(name, sum)
	}
	return nil
}

func (s *Server) get(c call) error {
	body, info, err := s.Buckets.Read(c.bucket, c.key)
	if err != nil {
		return noKey(c.key)
	}
	defer body.Close()
	h := c.w.Header()
	h.Set("Content-Type", "binary/octet-stream")
	for name, v := range info.Headers {
		h[name] = []string{v}
	}
	h.Set("Etag", info.ETag)
	h.Set("Accept-Ranges", "bytes")
	h.Set("X-Amz-Storage-Class", "STANDARD")
	if info.Parts > 0 {
		h.Set("X-Amz-Mp-Parts-Count", strconv.Itoa(info.Parts))
	}
	// A checksum is of the whole object, so a range does not get one.
	if c.r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" && c.r.Header.Get("Range") == "" && info.Parts == 0 {
		for name, sum := range info.Checksums {
			h.Set(name, sum)
		}
	}
	override(h, c.r.URL.Query())
	if bad := rangeProblem(c.r.Header.Get("Range"), info.Size); bad != nil {
		forget(h)
		return bad
	}
	if !isConditional(c.r.Header) {
		http.ServeContent(c.w, c.r, "", info.Modified, body)
		return nil
	}
	answer := &conditional{ResponseWriter: c.w}
	http.ServeContent(answer, c.r, "", info.Modified, body)
	if answer.failed {
		forget(h)
		return fail(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	return nil
}

// forget takes back what was said of an object.
func forget(h http.Header) {
	for name := range h {
		if name != "X-Amzn-Requestid" {
			h.Del(name)
		}
	}
}

func isConditional(h http.Header) bool {
	for _, name := range []string{"If-None-Match", "If-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if h.Get(name) != "" {
			return true
		}
	}
	return false
}

// conditional answers "not modified" without checksums, which clients would want
// to see in the body, and leaves "precondition failed" to its caller.
type conditional struct {
	http.ResponseWriter
	failed bool
}

// WriteHeader sends the status, unless it is a failed precondition.
func (w *conditional) WriteHeader(status int) {
	switch status {
	case http.StatusPreconditionFailed:
		w.failed = true
		return
	case http.StatusNotModified:
		maps.DeleteFunc(w.Header(), func(name string, _ []string) bool { return strings.HasPrefix(strings.ToLower(name), checksumPrefix) })
	}
	w.ResponseWriter.WriteHeader(status)
}

// rangeProblem finds a range that begins behind the end; ServeContent would answer it in plain text.
func rangeProblem(text string, size int64) error {
	from, ok := strings.CutPrefix(text, "bytes=")
	if !ok {
		return nil
	}
	from, _, _ = strings.Cut(from, "-")
	if n, err := strconv.ParseInt(from, 10, 64); err == nil && n >= size {
		return fail(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
	}
	return nil
}

// override obeys response-content-type and its kin.
func override(h http.Header, q url.Values) {
	for _, name := range kept {
		if v := q.Get("response-" + strings.ToLower(name)); v != "" {
			h.Set(name, v)
		}
	}
}

type copied struct {
	XMLName      xml.Name
	ETag         string `xml:"ETag"`
	LastModified string `xml:"LastModified"`
}

// source opens what X-Amz-Copy-Source names.
func (s *Server) source(c call) (io.ReadSeekCloser, Info, error) {
	path, err := url.PathUnescape(c.r.Header.Get("X-Amz-Copy-Source"))
	if err != nil {
		return nil, Info{}, fail(http.StatusBadRequest, "InvalidArgument", "Invalid copy source encoding")
	}
	fromBucket, fromKey, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	fromKey, _, _ = strings.Cut(fromKey, "?versionId=")
	if !s.Buckets.Has(fromBucket) {
		return nil, Info{}, noBucket(fromBucket)
	}
	body, info, err := s.Buckets.Read(fromBucket, fromKey)
	if err != nil {
		return nil, Info{}, noKey(fromKey)
	}
	return body, info, nil
}

func (s *Server) copy(c call) error {
	body, from, err := s.source(c)
	if err != nil {
		return err
	}
	defer body.Close()
	headers := from.Headers
	if strings.EqualFold(c.r.Header.Get("X-Amz-Metadata-Directive"), "REPLACE") {
		headers = headersOf(c.r.Header)
	}
	info, err := s.Buckets.Put(c.bucket, Info{Key: c.key, Headers: headers}, body)
	if err != nil {
		return err
	}
	writeXML(c.w, http.StatusOK, copied{xml.Name{Local: "CopyObjectResult"}, info.ETag, info.Modified.Format(stamp)})
	return nil
}
