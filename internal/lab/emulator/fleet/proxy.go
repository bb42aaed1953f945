package fleet

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The limits of answers, as AWS gives them.
const (
	maxAnswerBytes = 25 << 20
	MaxAsyncBytes  = 1 << 30 // of what is asked asynchronously, and of its answer
	MaxAsyncHeader = 4096    // of the headers of such an answer
)

// maxHeaderBytes bounds the headers of other answers.
const maxHeaderBytes = 64 << 10

// What SageMaker says of answers that it does not take. It says so of asynchronous ones.
const (
	errNoLength    = Said("The response from container primary did not specify the required Content-Length header")
	errLongHeaders = Said("Response received from the primary container has headers with length greater than 4096 bytes. Reduce the length of your container's response headers and update your endpoint.")
)

// proxy is a server that answers /ping and /invocations.
type proxy struct {
	base   string
	client *http.Client
}

// connectTimeout is AWS's: a container must accept a connection within it.
const connectTimeout = 250 * time.Millisecond

func newProxy(base string) (*proxy, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "" {
		return nil, fmt.Errorf("image %q is not http://HOST:PORT of a server that answers /ping and /invocations", base)
	}
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: connectTimeout}).DialContext,
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     50 * time.Second,
		DisableCompression:  true,

		MaxResponseHeaderBytes: maxHeaderBytes,
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &proxy{u.Scheme + "://" + u.Host, &http.Client{Transport: transport, CheckRedirect: stay}}, nil
}

// Ping asks /ping.
func (p *proxy) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+"/ping", nil)
	if err != nil {
		return err
	}
	answer, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection is used again
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("/ping answered %s", answer.Status)
	}
	return nil
}

// Invoke posts to /invocations.
func (p *proxy) Invoke(ctx context.Context, call *Call) (Answer, error) {
	return p.post(ctx, "/invocations", call)
}

func (p *proxy) post(ctx context.Context, path string, call *Call) (Answer, error) {
	// A copy: net/http may still read it after the answer, when the caller uses its buffer again.
	body := bytes.NewReader(bytes.Clone(call.Body))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+path, body)
	if err != nil {
		return Answer{}, err
	}
	set(req.Header, "Content-Type", call.ContentType)
	set(req.Header, "Accept", call.Accept)
	set(req.Header, "X-Amzn-Sagemaker-Custom-Attributes", call.CustomAttributes)
	set(req.Header, "X-Amzn-Sagemaker-Target-Model", call.TargetModel)
	answer, err := p.client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer answer.Body.Close()
	a := Answer{
		Status: answer.StatusCode, ContentType: answer.Header.Get("Content-Type"), CustomAttributes: answer.Header.Get("X-Amzn-Sagemaker-Custom-Attributes"),
		Took: modelTime(answer.Header.Get("Server-Timing")),
	}
	if call.Piece != nil && a.Status >= 200 && a.Status <= 299 {
		return a, pieces(&a, answer.Body, call.Piece)
	}
	if err := call.refuses(answer); err != nil {
		return Answer{}, err
	}
	a.Body, err = whole(answer, cmp.Or(call.MaxAnswer, maxAnswerBytes))
	return a, err
}

// refuses says what is wrong with an answer before its body is read.
func (c *Call) refuses(answer *http.Response) error {
	if c.MaxHeader > 0 {
		length := 0
		for name, values := range answer.Header {
			for _, v := range values {
				length += len(name) + len(v) + len(": \r\n")
			}
		}
		if length > c.MaxHeader {
			return errLongHeaders
		}
	}
	if good := answer.StatusCode >= 200 && answer.StatusCode <= 299; good && c.NeedLength && answer.ContentLength < 0 {
		return errNoLength
	}
	return nil
}

// whole reads a body of at most most bytes. One that says that it is longer is not read.
func whole(answer *http.Response, most int64) ([]byte, error) {
	if answer.ContentLength > most {
		return nil, fmt.Errorf("the answer is more than %d bytes", most)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("could not load the entire response body: %w", err)
	case int64(len(body)) > most:
		return nil, fmt.Errorf("the answer is more than %d bytes", most)
	}
	return body, nil
}

// pieceBytes is the most that is passed on at once.
const pieceBytes = 64 << 10

// pieces passes on what the server flushes, as it comes.
func pieces(head *Answer, body io.Reader, piece func(*Answer, []byte) error) error {
	buf := make([]byte, pieceBytes)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			if err := piece(head, buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the answer broke off: %w", err)
		}
	}
}

// modelTime is what Server-Timing: model;dur=<ms> says, or 0.
func modelTime(timing string) time.Duration {
	for metric := range strings.SplitSeq(timing, ",") {
		name, rest, _ := strings.Cut(strings.TrimSpace(metric), ";")
		text, ok := strings.CutPrefix(strings.TrimSpace(rest), "dur=")
		if name != "model" || !ok {
			continue
		}
		if ms, err := strconv.ParseFloat(text, 64); err == nil && ms >= 0 && ms < 1e9 {
			return time.Duration(ms * float64(time.Millisecond))
		}
	}
	return 0
}

func set(h http.Header, name, value string) {
	if value != "" {
		h[name] = []string{value}
	}
}

// Workers leaves queueing to the server.
func (p *proxy) Workers() int { return 0 }

// Gone is unknown here: the server is someone else's.
func (p *proxy) Gone() <-chan struct{} { return nil }

// Close lets the connections go.
func (p *proxy) Close() { p.client.CloseIdleConnections() }
