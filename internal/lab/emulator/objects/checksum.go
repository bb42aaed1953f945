package objects

import (
	"crypto/md5"  //nolint:gosec // Content-MD5 is MD5 by definition
	"crypto/sha1" //nolint:gosec // x-amz-checksum-sha1 is SHA-1 by definition
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"strings"
)

const checksumPrefix = "x-amz-checksum-"

// nvme is the polynomial of crc64nvme, its lowest term first.
const nvme = 0x9a6c9329ac4bc9b5

// hashers are the checksums that are verified; others are kept and given back unread.
var hashers = map[string]func() hash.Hash{
	"crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"crc64nvme": func() hash.Hash { return crc64.New(crc64.MakeTable(nvme)) },
	"sha1":      sha1.New,
	"sha256":    sha256.New,
}

// checked reads a body and, at its end, compares it with what the client said.
type checked struct {
	r      io.Reader
	claims []claim
	late   func() http.Header // the trailer of aws-chunked, known only at the end
	sums   map[string]hash.Hash
}

type claim struct {
	name string
	sum  hash.Hash
	want []byte
}

// newChecked prepares for the checksums in the headers of r.
func newChecked(r io.Reader, h http.Header, late func() http.Header) (*checked, error) {
	c := &checked{r: r, late: late, sums: map[string]hash.Hash{}}
	if text := h.Get("Content-Md5"); text != "" {
		want, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(want) != md5.Size {
			return nil, fail(http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified was invalid")
		}
		c.claims = append(c.claims, claim{"md5", md5.New(), want})
	}
	if text := h.Get("X-Amz-Content-Sha256"); len(text) == 2*sha256.Size {
		if want, err := hex.DecodeString(text); err == nil {
			c.claims = append(c.claims, claim{"content-sha256", sha256.New(), want})
		}
	}
	for name, make := range hashers {
		if text := h.Get(checksumPrefix + name); text != "" {
			want, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return nil, fail(http.StatusBadRequest, "InvalidRequest", "Value for "+checksumPrefix+name+" header is invalid.")
			}
			c.claims = append(c.claims, claim{name, make(), want})
		}
		if strings.EqualFold(h.Get("X-Amz-Trailer"), checksumPrefix+name) {
			c.sums[name] = make()
		}
	}
	return c, nil
}

// Read hashes what passes and fails at the end if a claim does not hold.
func (c *checked) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for _, cl := range c.claims {
		cl.sum.Write(p[:n])
	}
	for _, s := range c.sums {
		s.Write(p[:n])
	}
	if err == io.EOF {
		if bad := c.verify(); bad != nil {
			return n, bad
		}
	}
	return n, err
}

func (c *checked) verify() error {
	for _, cl := range c.claims {
		if string(cl.sum.Sum(nil)) == string(cl.want) {
			continue
		}
		switch cl.name {
		case "md5":
			return fail(http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received.")
		case "content-sha256":
			return fail(http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
		}
		return badChecksum(cl.name)
	}
	for name, sum := range c.sums {
		said := c.late().Get(checksumPrefix + name)
		if said != base64.StdEncoding.EncodeToString(sum.Sum(nil)) {
			return badChecksum(name)
		}
	}
	return nil
}

func badChecksum(name string) error {
	return fail(http.StatusBadRequest, "BadDigest", "The "+strings.ToUpper(name)+" you specified did not match the calculated checksum.")
}

// checksums are those to keep with the object: all that the client sent.
func checksums(headers ...http.Header) map[string]string {
	kept := map[string]string{}
	for _, h := range headers {
		for name := range h {
			lower := strings.ToLower(name)
			if strings.HasPrefix(lower, checksumPrefix) && lower != "x-amz-checksum-algorithm" && lower != "x-amz-checksum-mode" && lower != "x-amz-checksum-type" {
				kept[lower] = h.Get(name)
			}
		}
	}
	return kept
}

// crc32Of is the checksum S3 computes itself when the client sent none.
func crc32Of(sum hash.Hash32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum.Sum32()))
}
