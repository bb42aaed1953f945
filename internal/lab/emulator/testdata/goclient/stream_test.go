package goclient

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime/types"
)

// words is a model server that flushes one word after the other, and breaks off after "broken".
func words(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ping" {
			return
		}
		body, _ := io.ReadAll(r.Body)
		if string(body) == "refused" {
			http.Error(w, "no", http.StatusTeapot)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		for word := range strings.SplitSeq(string(body), " ") {
			_, _ = io.WriteString(w, word)
			_ = http.NewResponseController(w).Flush()
			if word == "broken" {
				panic(http.ErrAbortHandler)
			}
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// stream sends a body and gives the text of all parts and how the stream ended.
// The SDK closes a request's body once the answer begins, and reports io.EOF to
// net/http if that still looks for more of it; net/http then closes the
// connection under the stream. A stream that ends so is asked for again.
func (b *box) stream(t *testing.T, name, body string) (string, error) {
	t.Helper()
	for {
		got, err := b.streamOnce(t, name, body)
		if !errors.Is(err, net.ErrClosed) {
			return got, err
		}
	}
}

func (b *box) streamOnce(t *testing.T, name, body string) (string, error) {
	t.Helper()
	answer, err := b.rt.InvokeEndpointWithResponseStream(t.Context(), &sagemakerruntime.InvokeEndpointWithResponseStreamInput{
		EndpointName: &name, Body: []byte(body), ContentType: aws.String("text/plain"), Accept: aws.String("text/plain")})
	if err != nil {
		return "", err
	}
	if text(answer.ContentType) != "text/plain" || text(answer.InvokedProductionVariant) != "AllTraffic" {
		t.Errorf("answered %s by %s", text(answer.ContentType), text(answer.InvokedProductionVariant))
	}
	in := answer.GetStream()
	defer in.Close()
	var all strings.Builder
	for event := range in.Events() {
		part, ok := event.(*types.ResponseStreamMemberPayloadPart)
		if !ok {
			t.Fatalf("an event is %T", event)
		}
		all.Write(part.Value.Bytes)
	}
	return all.String(), in.Err()
}

func TestAStreamIsReadToItsEndOrToItsException(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	b.config("words", words(t), 1)
	b.deploy("words", "words")
	if got, err := b.stream(t, "words", "one two three"); err != nil || got != "onetwothree" {
		t.Errorf("streamed %q, %v", got, err)
	}
	got, err := b.stream(t, "words", "half broken never")
	var broken *types.ModelStreamError
	if !errors.As(err, &broken) || text(broken.ErrorCode_) != "StreamBroken" || got != "halfbroken" {
		t.Errorf("streamed %q, then %v", got, err)
	}
	_, err = b.stream(t, "words", "refused")
	var refused *types.ModelError
	if !errors.As(err, &refused) || aws.ToInt32(refused.OriginalStatusCode) != http.StatusTeapot {
		t.Errorf("refused with %v", err)
	}
	big := strings.Repeat("x", 3<<20)
	if got, err := b.stream(t, "words", big); err != nil || got != big {
		t.Errorf("of 3 MiB came %d bytes, %v", len(got), err)
	}
}
