package signature

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"time"
)

// Key is a secret and, for credentials of a session, its token.
type Key struct{ Secret, Token string }

// Verifier checks requests.
type Verifier struct {
	Keys   map[string]Key                          // by access key
	Issued func(accessKey string) (k Key, ok bool) // keys that are not in Keys; nil: there are none
	Now    func() time.Time
}

const (
	algorithm  = "AWS4-HMAC-SHA256"
	version2   = "AWS" // what came before
	dateForm   = "20060102T150405Z"
	terminator = "aws4_request"

	unsignedPayload = "UNSIGNED-PAYLOAD"
	signedChunks    = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	unsignedChunks  = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	contentHash     = "X-Amz-Content-Sha256"
)

// MaxBodyBytes is more than any service but S3 takes: what is larger they refuse
// themselves, whatever its signature.
const MaxBodyBytes = 26 << 20

// Check finds what is wrong with the signature of a request to a service, or nil.
// What can be known only when the body is read comes as an error of reading it.
func (v *Verifier) Check(r *http.Request, service string) *Refusal {
	s, bad := claimed(r)
	if bad != nil {
		return bad
	}
	key, known := v.Keys[s.accessKey]
	if !known && v.Issued != nil {
		key, known = v.Issued(s.accessKey)
	}
	if !known {
		return unknownKey()
	}
	if bad := s.checkScope(service); bad != nil {
		return bad
	}
	if bad := v.checkTime(s, service); bad != nil {
		return bad
	}
	if subtle.ConstantTimeCompare([]byte(key.Token), []byte(s.token)) == 0 {
		return wrongToken()
	}
	if bad := s.checkHeaders(r); bad != nil {
		return bad
	}
	hash, bad := payload(r, s, service)
	if bad != nil {
		return bad
	}
	secret := derive(key.Secret, s.day, s.region, service)
	text := algorithm + "\n" + s.date + "\n" + s.scope + "\n" + hexSum([]byte(canonical(r, s, service, hash)))
	signature := hex.EncodeToString(mac(secret, text))
	if subtle.ConstantTimeCompare([]byte(signature), []byte(s.signature)) == 0 {
		return mismatch()
	}
	if service == "s3" {
		guardBody(r, hash, &Chunks{key: secret, date: s.date, scope: s.scope, previous: signature})
	}
	return nil
}

// payload is the hash that was signed; but for S3 it is computed from the body.
func payload(r *http.Request, s *claim, service string) (string, *Refusal) {
	if service == "s3" {
		hash := r.Header.Get(contentHash)
		switch {
		case s.presigned && hash == "":
			return unsignedPayload, nil
		case hash == "":
			return "", noContentHash()
		case hash == unsignedPayload, hash == unsignedChunks, strings.HasPrefix(hash, signedChunks):
			return hash, nil
		}
		if raw, err := hex.DecodeString(hash); err != nil || len(raw) != sha256.Size {
			return "", badContentHash()
		}
		return hash, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBodyBytes))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), &rest{r.Body, err}), r.Body}
	if len(body) == MaxBodyBytes { // the service refuses it for its size
		return r.Header.Get(contentHash), nil
	}
	return hexSum(body), nil
}

// rest is what comes after what was read, or why there is no more.
type rest struct {
	r   io.Reader
	err error
}

// Read reads on.
func (r *rest) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	return r.r.Read(p)
}

func derive(secret, day, region, service string) []byte {
	return mac(mac(mac(mac([]byte("AWS4"+secret), day), region), service), terminator)
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hexSum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
