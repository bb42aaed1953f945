package objects

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// chunked decodes aws-chunked: SIZE[;chunk-signature=…]\r\n bytes \r\n … 0\r\n trailers \r\n.
// Signatures are not verified.
type chunked struct {
	r       *bufio.Reader
	left    int64
	started bool
	done    bool
	trailer http.Header
}

var errChunk = errors.New("malformed aws-chunked body")

// isChunked says whether a request's body is in that form.
func isChunked(h http.Header) bool {
	return strings.HasPrefix(h.Get("X-Amz-Content-Sha256"), "STREAMING-") ||
		strings.Contains(h.Get("Content-Encoding"), "aws-chunked")
}

func newChunked(r io.Reader) *chunked {
	return &chunked{r: bufio.NewReader(r), trailer: http.Header{}}
}

// Read gives the decoded bytes; after io.EOF the trailer is known.
func (c *chunked) Read(p []byte) (int, error) {
	for c.left == 0 {
		if c.done {
			return 0, io.EOF
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next reads the head of a chunk; the one of size 0 is followed by the trailer.
func (c *chunked) next() error {
	if c.started {
		if line, err := c.line(); err != nil || line != "" {
			return errChunk
		}
	}
	c.started = true
	line, err := c.line()
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(line, ";")
	c.left, err = strconv.ParseInt(strings.TrimSpace(size), 16, 64)
	if err != nil || c.left < 0 {
		return errChunk
	}
	if c.left > 0 {
		return nil
	}
	c.done = true
	return c.readTrailer()
}

func (c *chunked) readTrailer() error {
	for {
		line, err := c.line()
		if line == "" || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil // clients end with or without the empty line
		}
		if err != nil {
			return err
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || len(c.trailer) > 16 {
			return errChunk
		}
		c.trailer.Add(textproto.TrimString(name), textproto.TrimString(value))
	}
}

// line reads up to CR LF; bufio's buffer bounds its length.
func (c *chunked) line() (string, error) {
	raw, err := c.r.ReadSlice('\n')
	switch {
	case err == io.EOF:
		return "", io.ErrUnexpectedEOF
	case err != nil:
		return "", errChunk
	}
	return strings.TrimRight(string(raw), "\r\n"), nil
}
