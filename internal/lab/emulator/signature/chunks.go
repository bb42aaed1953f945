package signature

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strings"
)

// What the reader of a body may find at its end.
var (
	ErrContent = errors.New("the body is not the one that was signed")
	ErrChunk   = errors.New("a chunk is not the one that was signed")
)

// Chunks checks the signatures of the chunks of one body, in their order.
type Chunks struct {
	key                   []byte
	date, scope, previous string
}

type chunksKey struct{}

// ChunksOf gives what checks the chunks of a body; nil when they are not signed.
func ChunksOf(ctx context.Context) *Chunks {
	c, _ := ctx.Value(chunksKey{}).(*Chunks)
	return c
}

// guardBody has the body checked while it is read.
func guardBody(r *http.Request, hash string, c *Chunks) {
	switch {
	case strings.HasPrefix(hash, signedChunks):
		*r = *r.WithContext(context.WithValue(r.Context(), chunksKey{}, c))
	case len(hash) == 2*sha256.Size:
		r.Body = &guarded{r.Body, sha256.New(), hash}
	}
}

// Check compares the signature of the next chunk, of which sum is the SHA-256.
func (c *Chunks) Check(signature string, sum []byte) error {
	return c.next("AWS4-HMAC-SHA256-PAYLOAD", signature, hexSum(nil)+"\n"+hex.EncodeToString(sum))
}

// CheckTrailer compares the signature of the trailer: lines of name:value.
func (c *Chunks) CheckTrailer(signature, lines string) error {
	return c.next("AWS4-HMAC-SHA256-TRAILER", signature, hexSum([]byte(lines)))
}

func (c *Chunks) next(kind, signature, of string) error {
	want := hex.EncodeToString(mac(c.key, kind+"\n"+c.date+"\n"+c.scope+"\n"+c.previous+"\n"+of))
	if subtle.ConstantTimeCompare([]byte(want), []byte(signature)) == 0 {
		return ErrChunk
	}
	c.previous = want
	return nil
}

// guarded gives ErrContent in place of the end when the body is another.
type guarded struct {
	io.ReadCloser
	sum  hash.Hash
	want string
}

// Read reads and sums.
func (g *guarded) Read(p []byte) (int, error) {
	n, err := g.ReadCloser.Read(p)
	g.sum.Write(p[:n])
	if err == io.EOF && hex.EncodeToString(g.sum.Sum(nil)) != strings.ToLower(g.want) {
		err = ErrContent
	}
	return n, err
}
