package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Names of headers and constants of Signature Version 4.
const (
	Algorithm         = "AWS4-HMAC-SHA256"
	HeaderDate        = "X-Amz-Date"
	HeaderToken       = "X-Amz-Security-Token"
	HeaderContentHash = "X-Amz-Content-Sha256"
	terminator        = "aws4_request"
	dateLayout        = "20060102T150405Z"
	dayLength         = len("20060102")
)

// Credentials are what a request is signed with.
type Credentials struct {
	AccessKey, Secret string
	Token             string // of a session, may be empty
}

// Signer signs requests to one service in one region. The day's key is derived
// once. It is safe for concurrent use.
type Signer struct {
	region, service string
	key             atomic.Pointer[signingKey]
}

// NewSigner makes a Signer, for example of sagemaker in us-east-1.
func NewSigner(region, service string) *Signer {
	return &Signer{region: region, service: service}
}

// signingKey is derived from a secret for one day. Deriving costs four HMACs,
// and a fresh HMAC a handful of allocations: both are kept.
type signingKey struct {
	credentials Credentials
	day         string
	scope       string    // day/region/service/aws4_request
	macs        sync.Pool // of hash.Hash with the key set
}

// Request is what is signed. Header gets the date, the token and the
// signature; all its other headers but User-Agent and Expect are signed.
type Request struct {
	Method      string
	URL         *url.URL
	Header      http.Header
	PayloadHash string // hex SHA-256 of the body
}

// Sign signs r as of now.
func (s *Signer) Sign(r Request, c Credentials, now time.Time) {
	date := now.UTC().Format(dateLayout)
	r.Header[HeaderDate] = []string{date}
	if c.Token != "" {
		r.Header[HeaderToken] = []string{c.Token}
	}
	key := s.keyOf(c, date[:dayLength])
	var names []string
	buf := make([]byte, 0, 1024)
	buf, names = s.appendCanonical(buf, r)
	digest := sha256.Sum256(buf)

	buf = append(buf[:0], Algorithm+"\n"...)
	buf = append(append(buf, date...), '\n')
	buf = append(append(buf, key.scope...), '\n')
	buf = hex.AppendEncode(buf, digest[:])
	signature := key.sign(buf)

	buf = append(buf[:0], Algorithm+" Credential="...)
	buf = append(append(buf, c.AccessKey...), '/')
	buf = append(append(buf, key.scope...), ", SignedHeaders="...)
	buf = appendNames(buf, names)
	buf = append(buf, ", Signature="...)
	buf = hex.AppendEncode(buf, signature[:])
	r.Header["Authorization"] = []string{string(buf)}
}

// PayloadHash is the hash of a body as Sign wants it.
func PayloadHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func (s *Signer) keyOf(c Credentials, day string) *signingKey {
	if k := s.key.Load(); k != nil && k.day == day && k.credentials == c {
		return k
	}
	secret := mac([]byte("AWS4"+c.Secret), day)
	secret = mac(mac(mac(secret, s.region), s.service), terminator)
	k := &signingKey{credentials: c, day: day, scope: strings.Join([]string{day, s.region, s.service, terminator}, "/")}
	k.macs.New = func() any { return hmac.New(sha256.New, secret) }
	s.key.Store(k)
	return k
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func (k *signingKey) sign(text []byte) (out [sha256.Size]byte) {
	h := k.macs.Get().(hash.Hash)
	defer k.macs.Put(h)
	h.Reset()
	h.Write(text)
	h.Sum(out[:0])
	return out
}
