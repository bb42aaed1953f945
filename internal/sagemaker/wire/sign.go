package wire

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/http"
	"net/url"
	"slices"
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

// host is signed like a header but is not one in net/http.
const host = "Host"

// appendCanonical appends the canonical request and gives the signed names in order.
func (s *Signer) appendCanonical(buf []byte, r Request) ([]byte, []string) {
	buf = append(append(buf, r.Method...), '\n')
	buf = append(s.appendPath(buf, r.URL), '\n')
	buf = append(appendQuery(buf, r.URL), '\n')
	names := signedNames(r.Header)
	for _, name := range names {
		buf = append(appendLower(buf, name), ':')
		if name == host {
			buf = append(buf, r.URL.Host...)
		} else {
			buf = appendValues(buf, r.Header[name])
		}
		buf = append(buf, '\n')
	}
	buf = append(buf, '\n')
	buf = append(appendNames(buf, names), '\n')
	return append(buf, r.PayloadHash...), names
}

func signedNames(h http.Header) []string {
	names := make([]string, 1, len(h)+1)
	names[0] = host
	for name := range h {
		switch name {
		case "Authorization", "User-Agent", "Expect", host:
		default:
			names = append(names, name)
		}
	}
	slices.SortFunc(names, compareLower)
	return names
}

func compareLower(a, b string) int {
	for i := range min(len(a), len(b)) {
		if x, y := lower(a[i]), lower(b[i]); x != y {
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

func appendLower(buf []byte, name string) []byte {
	for i := range len(name) {
		buf = append(buf, lower(name[i]))
	}
	return buf
}

func appendNames(buf []byte, names []string) []byte {
	for i, name := range names {
		if i > 0 {
			buf = append(buf, ';')
		}
		buf = appendLower(buf, name)
	}
	return buf
}

// appendValues trims values and makes one space of several.
func appendValues(buf []byte, values []string) []byte {
	for i, v := range values {
		if i > 0 {
			buf = append(buf, ',')
		}
		v = strings.TrimSpace(v)
		if !strings.Contains(v, "  ") {
			buf = append(buf, v...)
			continue
		}
		buf = append(buf, bytes.Join(bytes.Fields([]byte(v)), []byte(" "))...)
	}
	return buf
}
