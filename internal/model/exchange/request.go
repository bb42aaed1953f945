package exchange

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"betimes/internal/model"
)

// Request is what is sent. URL and Header are only read and may be shared
// between requests. Body must not change, even after Do returned: the write of a
// request that was given up may still be under way.
type Request struct {
	Method string // empty: POST
	URL    *url.URL
	Header http.Header
	Body   []byte
	Framed *Framing  // of answers that come in frames; nil: they come whole
	Latest time.Time // from then on nothing is sent any more; zero: whenever
}

// ErrLate is the cause of model.ClassLate.
var ErrLate = errors.New("the latest moment for the call has passed")

// Late says that a call must not begin any more.
func Late(latest time.Time) bool { return !latest.IsZero() && !time.Now().Before(latest) }

// Framing reads the body of a good answer of one content type. It reads to the end,
// and keeps at most MaxAnswerBytes. Its errors are *model.Error when they stand in
// the body, else they mean that the connection is lost.
type Framing struct {
	ContentType string
	Read        func(io.Reader) ([]byte, error)
}

// Reply is what came back, whatever its status.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
	Times  model.Times // Connect and Total
}

// newRequest leaves out what http.NewRequest does for redirects and retries:
// without GetBody nothing is ever sent twice.
func newRequest(ctx context.Context, r Request) *http.Request {
	req := http.Request{
		Method: r.Method, URL: r.URL, Host: r.URL.Host, Header: r.Header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(r.Body)), Body: http.NoBody,
	}
	if req.Method == "" {
		req.Method = http.MethodPost
	}
	if len(r.Body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(r.Body))
	}
	return req.WithContext(ctx)
}

var errTooLarge = fmt.Errorf("the answer is larger than %d MiB; let the model answer less", MaxAnswerBytes>>20)

// readAnswer reads to the end, so that the connection can be used again. Small answers,
// as most are, need no share.
func (c *Client) readAnswer(ctx context.Context, resp *http.Response, framed *Framing) ([]byte, error) {
	frames := framed != nil && resp.StatusCode == http.StatusOK && strings.HasPrefix(resp.Header.Get("Content-Type"), framed.ContentType)
	switch n := resp.ContentLength; {
	case resp.Request.Method == http.MethodHead:
		return nil, resp.Body.Close()
	case frames:
		return c.readShare(ctx, resp, framed.Read)
	case n > MaxAnswerBytes:
		resp.Body.Close()
		return nil, errTooLarge
	case n >= 0 && n <= freeBytes:
		defer resp.Body.Close()
		body := make([]byte, n)
		_, err := io.ReadFull(resp.Body, body)
		return body, err
	}
	return c.readShare(ctx, resp, func(r io.Reader) ([]byte, error) { return readUpTo(MaxAnswerBytes, r) })
}

// readShare reads with a share of the room.
func (c *Client) readShare(ctx context.Context, resp *http.Response, read func(io.Reader) ([]byte, error)) ([]byte, error) {
	s := share{room: c.room, ctx: ctx, body: resp.Body}
	defer s.close()
	defer resp.Body.Close() // before others are let in
	return read(&s)
}
