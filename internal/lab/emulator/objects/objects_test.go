package objects

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
)

type bench struct {
	t      *testing.T
	dir    string
	server *Server
}

func open(t *testing.T, dir string) *bench {
	t.Helper()
	b, err := Open(dir, clock.New())
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t, dir, &Server{Region: firstRegion, Account: firstAccount, Buckets: b, Journal: &journal.Journal{}, Faults: injection.New(clock.New(), 1), Log: slog.New(slog.DiscardHandler)}}
}

func (b *bench) do(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.server.ServeHTTP(w, r)
	return w
}

// metaWho is in lower case on the wire, unlike what http.Header would make of it.
var metaWho = strings.ToLower("X-Amz-Meta-Who")

func TestAnObjectComesBackAsItWasPut(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	b.do("PUT", "/bucket", "")
	put := b.do("PUT", "/bucket/a/b%20c", "hello world", "Content-Type", "text/plain", "X-Amz-Meta-Who", "me", "Content-Encoding", "aws-chunked,gzip", "X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	if put.Code != http.StatusBadRequest { // it says aws-chunked and is not
		t.Errorf("a body that is not chunked answered %d", put.Code)
	}
	put = b.do("PUT", "/bucket/a/b%20c", "hello world", "Content-Type", "text/plain", "X-Amz-Meta-Who", "me")
	if put.Code != 200 || put.Header().Get("Etag") != `"5eb63bbbe01eeed093cb22bb8f5acdc3"` {
		t.Fatalf("put answered %d %s", put.Code, put.Body)
	}
	for _, again := range []*bench{b, open(t, dir)} { // now, and after a restart
		got := again.do("GET", "/bucket/a/b%20c", "")
		if got.Body.String() != "hello world" || got.Header().Get("Content-Type") != "text/plain" || !slices.Equal(got.Header()[metaWho], []string{"me"}) {
			t.Errorf("got %d %v %s", got.Code, got.Header(), got.Body)
		}
		if part := again.do("GET", "/bucket/a/b%20c", "", "Range", "bytes=6-8"); part.Code != 206 || part.Body.String() != "wor" {
			t.Errorf("range answered %d %s", part.Code, part.Body)
		}
		if same := again.do("GET", "/bucket/a/b%20c", "", "If-None-Match", `"5eb63bbbe01eeed093cb22bb8f5acdc3"`); same.Code != 304 {
			t.Errorf("If-None-Match answered %d", same.Code)
		}
	}
}

func TestErrorsAreThoseOfS3(t *testing.T) {
	b := open(t, t.TempDir())
	b.do("PUT", "/bucket", "")
	b.do("PUT", "/bucket/key", "0123456789")
	for _, c := range []struct {
		name, method, path string
		headers            []string
		status             int
		code               string
	}{
		{"a key that is not there", "GET", "/bucket/none", nil, 404, "<Code>NoSuchKey</Code>"},
		{"a bucket that is not there", "GET", "/nowhere/key", nil, 404, "<Code>NoSuchBucket</Code>"},
		{"the head of a key that is not there has no body", "HEAD", "/bucket/none", nil, 404, ""},
		{"a range behind the end", "GET", "/bucket/key", []string{"Range", "bytes=10-"}, 416, "<Code>InvalidRange</Code>"},
		{"a bucket that is not empty", "DELETE", "/bucket", nil, 409, "<Code>BucketNotEmpty</Code>"},
		{"a bucket name with a capital", "PUT", "/Bucket", nil, 400, "<Code>InvalidBucketName</Code>"},
		{"an upload that is not there", "PUT", "/bucket/key?partNumber=1&uploadId=x", nil, 404, "<Code>NoSuchUpload</Code>"},
		{"what is not built", "GET", "/bucket?versioning", nil, 400, "?versioning is not built"},
		{"a put only when absent", "PUT", "/bucket/key", []string{"If-None-Match", "*"}, 412, "<Code>PreconditionFailed</Code>"},
		{"a wrong MD5", "PUT", "/bucket/key", []string{"Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="}, 400, "<Code>BadDigest</Code>"},
		{"a wrong CRC32", "PUT", "/bucket/key", []string{"X-Amz-Checksum-Crc32", "AAAAAA=="}, 400, ""},
		{"a wrong CRC64", "PUT", "/bucket/key", []string{"X-Amz-Checksum-Crc64nvme", "AAAAAAAAAAA="}, 400, ""},
		{"a wrong SHA-256", "PUT", "/bucket/key", []string{"X-Amz-Content-Sha256", strings.Repeat("0", 64)}, 400, "<Code>XAmzContentSHA256Mismatch</Code>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := ""
			if c.method == "PUT" {
				body = "something"
			}
			got := b.do(c.method, c.path, body, c.headers...)
			if got.Code != c.status || !strings.Contains(got.Body.String(), c.code) || c.method == "HEAD" && got.Body.Len() > 0 {
				t.Errorf("answered %d %s", got.Code, got.Body)
			}
		})
	}
	if got := b.do("GET", "/bucket/key", ""); got.Body.String() != "0123456789" {
		t.Errorf("a refused put left %q", got.Body)
	}
}

func TestChunkedBodiesAreDecodedAndTheirTrailersChecked(t *testing.T) {
	sum := base64.StdEncoding.EncodeToString(crcOf("hello world"))
	for _, c := range []struct {
		name, body, sha string
		status          int
	}{
		{"unsigned with a trailer", "b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:" + sum + "\r\n\r\n", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", 200},
		{"signed chunks", "5;chunk-signature=aa\r\nhello\r\n6;chunk-signature=bb\r\n world\r\n0;chunk-signature=cc\r\nx-amz-checksum-crc32:" + sum + "\r\nx-amz-trailer-signature:dd\r\n\r\n", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", 200},
		{"a wrong trailer", "b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", 400},
		{"a body that ends early", "b\r\nhello", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", 400},
		{"a size that is no number", "zz\r\nhello", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", 400},
		{"a negative size", "-1\r\nhello", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t, t.TempDir())
			b.do("PUT", "/bucket", "")
			put := b.do("PUT", "/bucket/key", c.body, "X-Amz-Content-Sha256", c.sha, "X-Amz-Trailer", "x-amz-checksum-crc32", "Content-Encoding", "aws-chunked")
			if put.Code != c.status {
				t.Fatalf("answered %d %s", put.Code, put.Body)
			}
			got := b.do("GET", "/bucket/key", "", "X-Amz-Checksum-Mode", "ENABLED")
			if c.status == 200 && (got.Body.String() != "hello world" || got.Header().Get("Content-Encoding") != "" || got.Header().Get("X-Amz-Checksum-Crc32") != sum) {
				t.Errorf("got %v %q", got.Header(), got.Body)
			}
			if c.status != 200 && got.Code != 404 {
				t.Errorf("a refused put is there: %q", got.Body)
			}
		})
	}
}

func crcOf(text string) []byte {
	n := crc32.ChecksumIEEE([]byte(text))
	return []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
}

func TestListsArePagedInOrder(t *testing.T) {
	b := open(t, t.TempDir())
	b.do("PUT", "/bucket", "")
	for i := range 12 {
		b.do("PUT", fmt.Sprintf("/bucket/part/%02d/x", i), "x")
	}
	b.do("PUT", "/bucket/top", "x")
	for _, c := range []struct{ name, query, want string }{
		{"all", "list-type=2", "<KeyCount>13</KeyCount>"},
		{"a prefix", "list-type=2&prefix=part/0", "<KeyCount>10</KeyCount>"},
		{"groups", "list-type=2&delimiter=/", "<CommonPrefixes><Prefix>part/</Prefix></CommonPrefixes>"},
		{"a page", "list-type=2&max-keys=5", "<IsTruncated>true</IsTruncated>"},
		{"after a key", "list-type=2&start-after=part/10/x", "<KeyCount>2</KeyCount>"},
		{"none asked for", "list-type=2&max-keys=0", "<IsTruncated>false</IsTruncated>"},
		{"version 1", "marker=part/10/x", "<Marker>part/10/x</Marker>"},
		{"escaped", "list-type=2&encoding-type=url&prefix=to%20p", "<Prefix>to+p</Prefix>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := b.do("GET", "/bucket?"+c.query, ""); !strings.Contains(got.Body.String(), c.want) {
				t.Errorf("answered %d %s", got.Code, got.Body)
			}
		})
	}
}

func TestAMultipartUploadSurvivesARestartBetweenItsParts(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	b.do("PUT", "/bucket", "")
	begun := b.do("POST", "/bucket/big?uploads", "", "Content-Type", "text/csv").Body.String()
	id := between(begun, "<UploadId>", "</UploadId>")
	first := strings.Repeat("a", 5<<20)
	one := b.do("PUT", "/bucket/big?partNumber=1&uploadId="+id, first)
	b = open(t, dir)
	two := b.do("PUT", "/bucket/big?partNumber=2&uploadId="+id, "end")
	done := b.do("POST", "/bucket/big?uploadId="+id, "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"+one.Header().Get("Etag")+
		"</ETag></Part><Part><PartNumber>2</PartNumber><ETag>"+two.Header().Get("Etag")+"</ETag></Part></CompleteMultipartUpload>")
	if done.Code != 200 || !strings.Contains(done.Body.String(), "-2&#34;</ETag>") {
		t.Fatalf("answered %d %s", done.Code, done.Body)
	}
	got := b.do("GET", "/bucket/big", "")
	if got.Body.String() != first+"end" || got.Header().Get("Content-Type") != "text/csv" {
		t.Errorf("got %d bytes, %v", got.Body.Len(), got.Header())
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "uploads")); len(left) != 0 {
		t.Errorf("%d uploads are left", len(left))
	}
}

func between(text, from, to string) string {
	_, text, _ = strings.Cut(text, from)
	text, _, _ = strings.Cut(text, to)
	return text
}

func TestADamagedObjectIsNamedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	b.do("PUT", "/bucket", "")
	b.do("PUT", "/bucket/key", "hello")
	sum := sha256.Sum256([]byte("key"))
	path := filepath.Join(dir, "buckets", "bucket", hex.EncodeToString(sum[:])+".object")
	if err := os.Truncate(path, 20); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, clock.New()); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
}

func TestAReaderKeepsTheObjectItOpened(t *testing.T) {
	b := open(t, t.TempDir())
	b.do("PUT", "/bucket", "")
	b.do("PUT", "/bucket/key", "old")
	body, info, err := b.server.Buckets.Read("bucket", "key")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	b.do("PUT", "/bucket/key", "newer")
	got, err := io.ReadAll(body)
	if err != nil || string(got) != "old" || info.Size != 3 {
		t.Errorf("read %q of %d bytes, %v", got, info.Size, err)
	}
	if _, _, err := b.server.Buckets.Read("bucket", "none"); !errors.Is(err, ErrNoObject) {
		t.Errorf("error %v", err)
	}
}

// FuzzChunked: whatever comes, the decoder ends, without panic and without more bytes than came.
func FuzzChunked(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\n\r\n"))
	f.Add([]byte("5;chunk-signature=aa\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"))
	f.Add([]byte("ffffffffffffffff\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		out, _ := io.ReadAll(newChunked(bytes.NewReader(raw), nil))
		if len(out) > len(raw) {
			t.Errorf("%d bytes of %d", len(out), len(raw))
		}
	})
}

func TestAPartMayBeCopiedFromARange(t *testing.T) {
	b := open(t, t.TempDir())
	b.do("PUT", "/bucket", "")
	b.do("PUT", "/bucket/from", "hello world")
	begun := b.do("POST", "/bucket/to?uploads", "").Body.String()
	_, id, _ := strings.Cut(begun, "<UploadId>")
	id, _, _ = strings.Cut(id, "<")
	for _, c := range []struct {
		name, bytes string
		status      int
		says        string
	}{
		{"a range", "bytes=6-10", 200, "CopyPartResult"},
		{"a range behind the end", "bytes=6-11", 400, "not valid for source object of size: 11"},
		{"a range without an end", "bytes=6-", 400, "must be of the form"},
		{"no range at all", "6-10", 400, "must be of the form"},
	} {
		got := b.do("PUT", "/bucket/to?partNumber=1&uploadId="+id, "", "X-Amz-Copy-Source", "/bucket/from", "X-Amz-Copy-Source-Range", c.bytes)
		if got.Code != c.status || !strings.Contains(got.Body.String(), c.says) {
			t.Errorf("%s answered %d %s", c.name, got.Code, got.Body)
		}
	}
	list := b.do("GET", "/bucket/to?uploadId="+id, "").Body.String()
	_, etag, _ := strings.Cut(list, "<ETag>")
	etag, _, _ = strings.Cut(etag, "<")
	b.do("POST", "/bucket/to?uploadId="+id, "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"+etag+"</ETag></Part></CompleteMultipartUpload>")
	if got := b.do("GET", "/bucket/to", "").Body.String(); got != "world" {
		t.Errorf("the object is %q", got)
	}
}

func TestConditionsThatFailSayNothingOfTheObject(t *testing.T) {
	b := open(t, t.TempDir())
	b.do("PUT", "/bucket", "")
	etag := b.do("PUT", "/bucket/key", "hello", "X-Amz-Checksum-Crc32", "NhCmhg==").Header().Get("Etag")
	same := b.do("GET", "/bucket/key", "", "If-None-Match", etag, "X-Amz-Checksum-Mode", "ENABLED")
	if same.Code != 304 || same.Header().Get("Etag") != etag || same.Header().Get("X-Amz-Checksum-Crc32") != "" {
		t.Errorf("answered %d %v", same.Code, same.Header())
	}
	other := b.do("GET", "/bucket/key", "", "If-Match", `"other"`)
	if other.Code != 412 || !strings.Contains(other.Body.String(), "<Code>PreconditionFailed</Code>") || other.Header().Get("Etag") != "" {
		t.Errorf("answered %d %v %s", other.Code, other.Header(), other.Body)
	}
	if got := b.do("GET", "/bucket/key", "", "If-Match", etag); got.Code != 200 || got.Body.String() != "hello" {
		t.Errorf("answered %d %s", got.Code, got.Body)
	}
}
