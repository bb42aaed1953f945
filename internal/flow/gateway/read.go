package gateway

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"betimes/internal/listen"
	"betimes/internal/setting"
)

// reader reads bodies whole, plain or compressed, within a limit. It takes
// room only for what has arrived, so that a slow caller holds little.
type reader struct {
	flight *flight
}

const firstRead = 16 << 10 // room taken before anything has arrived

// read returns the body of at most limit bytes; setting names the key of limit.
func (rd reader) read(r *http.Request, l *lease, limit setting.Bytes, name string) ([]byte, *listen.Problem) {
	if r.ContentLength > int64(limit) {
		return nil, tooLarge(limit, name)
	}
	switch encoding := r.Header.Get("Content-Encoding"); strings.ToLower(encoding) {
	case "", "identity":
		body, err := fill(r.Body, l, int(max(r.ContentLength, 0)), int(limit))
		return body, bodyProblem(err, limit, name)
	case "gzip", "x-gzip":
		unzip, err := gzip.NewReader(http.MaxBytesReader(nil, r.Body, int64(limit)))
		if err != nil {
			return nil, bodyProblem(err, limit, name)
		}
		body, err := fill(unzip, l, 0, int(limit))
		return body, bodyProblem(err, limit, name)
	default:
		p := listen.NewProblem(http.StatusUnsupportedMediaType, "content_encoding", "Content-Encoding is not known", "send the body plain or with Content-Encoding: gzip")
		p.Field = "Content-Encoding"
		return nil, &p
	}
}

var (
	errTooLarge = errors.New("larger than the limit")
	errNoRoom   = errors.New("no room in flight")
)

// fill reads src to its end into room taken from the lease. size is what it is
// expected to hold, 0 when unknown; a request's body says with its last byte
// that it was the last, so that a right size is never outgrown.
func fill(src io.Reader, l *lease, size, limit int) ([]byte, error) {
	room := min(size, firstRead)
	if size == 0 {
		room = 512
	}
	if !l.grow(room) {
		return nil, errNoRoom
	}
	body := make([]byte, 0, room)
	for {
		n, err := src.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > limit:
			return nil, errTooLarge
		case err == io.EOF:
			return body, nil
		case err != nil:
			return nil, err
		}
		if len(body) == cap(body) {
			if body, err = more(body, l, size, limit); err != nil {
				return nil, err
			}
		}
	}
}

// more doubles the room of body, up to its expected size or one byte over the limit.
func more(body []byte, l *lease, size, limit int) ([]byte, error) {
	room := min(2*cap(body), limit+1)
	if cap(body) < size {
		room = min(room, size)
	}
	if !l.grow(room - cap(body)) {
		return nil, errNoRoom
	}
	return append(make([]byte, 0, room), body...), nil
}

func bodyProblem(err error, limit setting.Bytes, name string) *listen.Problem {
	if err == nil {
		return nil
	}
	var cut *http.MaxBytesError
	switch {
	case errors.Is(err, errTooLarge), errors.As(err, &cut):
		return tooLarge(limit, name)
	case errors.Is(err, errNoRoom):
		return overloaded()
	case errors.Is(err, os.ErrDeadlineExceeded):
		p := listen.NewProblem(http.StatusRequestTimeout, "slow_body", "The body came too slowly", "send a body within "+bodyTimeout.String())
		return &p
	}
	return malformed("body", "", "the body could not be read to its end; check Content-Length, chunks and gzip")
}

func tooLarge(limit setting.Bytes, name string) *listen.Problem {
	p := listen.NewProblem(http.StatusRequestEntityTooLarge, "too_large", "The body is too large", "at most "+limit.String()+" (flow.gateway."+name+") are taken; send less at a time")
	return &p
}

func overloaded() *listen.Problem {
	p := listen.NewProblem(http.StatusServiceUnavailable, "in_flight", "Too much is under way", "more bytes wait for the brokers than flow.gateway.max_in_flight allows; send it again")
	p.RetryAfter = retryAfter
	return &p
}
