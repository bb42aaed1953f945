package objects

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"betimes/internal/lab/emulator/signature"
)

// chunked decodes aws-chunked: SIZE[;chunk-signature=…]\r\n bytes \r\n … 0\r\n trailers \r\n.
type chunked struct {
	r       *bufio.Reader
	left    int64
	started bool
	done    bool
	trailer http.Header

	signed    *signature.Chunks // nil: signatures are not verified
	sum       hash.Hash         // of the chunk so far
	signature string            // of the chunk
}

var errChunk = errors.New("malformed aws-chunked body")

// isChunked says whether a request's body is in that form.
func isChunked(h http.Header) bool {
	return strings.HasPrefix(h.Get("X-Amz-Content-Sha256"), "STREAMING-") ||
		strings.Contains(h.Get("Content-Encoding"), "aws-chunked")
}

func newChunked(r io.Reader, signed *signature.Chunks) *chunked {
	return &chunked{r: bufio.NewReader(r), trailer: http.Header{}, signed: signed, sum: sha256.New()}
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
	if c.signed != nil {
		c.sum.Write(p[:n])
	}
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
		if err := c.check(); err != nil {
			return err
		}
	}
	c.started = true
	line, err := c.line()
	if err != nil {
		return err
	}
	size, extension, _ := strings.Cut(line, ";")
	c.signature = strings.TrimPrefix(extension, "chunk-signature=")
	c.left, err = strconv.ParseInt(strings.TrimSpace(size), 16, 64)
	if err != nil || c.left < 0 {
		return errChunk
	}
	if c.left > 0 {
		return nil
	}
	c.done = true
	if err := c.check(); err != nil {
		return err
	}
	return c.readTrailer()
}

// check compares the signature of the chunk that has ended.
func (c *chunked) check() error {
	if c.signed == nil {
		return nil
	}
	err := c.signed.Check(c.signature, c.sum.Sum(nil))
	c.sum.Reset()
	return err
}

func (c *chunked) readTrailer() error {
	var lines strings.Builder
	for {
		line, err := c.line()
		if line == "" || errors.Is(err, io.ErrUnexpectedEOF) {
			return c.checkTrailer(lines.String()) // clients end with or without the empty line
		}
		if err != nil {
			return err
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || len(c.trailer) > 16 {
			return errChunk
		}
		name, value = textproto.TrimString(name), textproto.TrimString(value)
		if !strings.EqualFold(name, trailerSignature) {
			lines.WriteString(strings.ToLower(name) + ":" + value + "\n")
		}
		c.trailer.Add(name, value)
	}
}

const trailerSignature = "x-amz-trailer-signature"

func (c *chunked) checkTrailer(lines string) error {
	if c.signed == nil || lines == "" {
		return nil
	}
	return c.signed.CheckTrailer(c.trailer.Get(trailerSignature), lines)
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
