package goclient

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

func TestObjectsArePutReadAndRemoved(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	ctx := t.Context()
	b.bucket("example")
	bucket, key := aws.String("example"), aws.String("a/b c+d é.txt")
	for _, sum := range []types.ChecksumAlgorithm{"", types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmCrc64nvme, types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256} {
		put := must(b.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("hello world"), ContentType: aws.String("text/plain"), Metadata: map[string]string{"who": "me"}, ChecksumAlgorithm: sum}))(t)
		if text(put.ETag) != `"5eb63bbbe01eeed093cb22bb8f5acdc3"` {
			t.Errorf("with %s the tag is %s", sum, text(put.ETag))
		}
		got := must(b.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, ChecksumMode: types.ChecksumModeEnabled}))(t)
		body := must(io.ReadAll(got.Body))(t)
		if string(body) != "hello world" || text(got.ContentType) != "text/plain" || got.Metadata["who"] != "me" {
			t.Errorf("with %s: %q as %s of %v", sum, body, text(got.ContentType), got.Metadata)
		}
	}
	part := must(b.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, Range: aws.String("bytes=6-")}))(t)
	if body := must(io.ReadAll(part.Body))(t); string(body) != "world" || text(part.ContentRange) != "bytes 6-10/11" {
		t.Errorf("a range is %q, %s", body, text(part.ContentRange))
	}
	must(b.s3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("copy"), CopySource: aws.String("example/a/b%20c%2Bd%20%C3%A9.txt")}))(t)
	if got, err := b.object(ctx, "s3://example/copy"); err != nil || got != "hello world" {
		t.Errorf("the copy is %q, %v", got, err)
	}
	signed := must(s3.NewPresignClient(b.s3).PresignGetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key}))(t)
	resp := must(http.Get(signed.URL))(t)
	defer resp.Body.Close()
	if body := must(io.ReadAll(resp.Body))(t); string(body) != "hello world" {
		t.Errorf("the signed address answers %d %q", resp.StatusCode, body)
	}
	gone := must(b.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: key}, {Key: aws.String("copy")}, {Key: aws.String("none")}}}}))(t)
	if len(gone.Deleted) != 3 || len(gone.Errors) != 0 {
		t.Errorf("deleted %v, not %v", gone.Deleted, gone.Errors)
	}
	must(b.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket}))(t)
}

func TestRefusalsOfS3HaveTheirClass(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	ctx := t.Context()
	b.bucket("example", "here", "x")
	tag := text(must(b.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("example"), Key: aws.String("here")}))(t).ETag)
	get := func(bucket, key string, more func(*s3.GetObjectInput)) error {
		in := &s3.GetObjectInput{Bucket: &bucket, Key: &key}
		more(in)
		_, err := b.s3.GetObject(ctx, in)
		return err
	}
	plain := func(*s3.GetObjectInput) {}
	_, head := b.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("example"), Key: aws.String("none")})
	_, full := b.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String("example")})
	_, part := b.s3.UploadPart(ctx, &s3.UploadPartInput{Bucket: aws.String("example"), Key: aws.String("k"), UploadId: aws.String("none"), PartNumber: aws.Int32(1), Body: strings.NewReader("x")})
	for _, c := range []struct {
		code  string
		err   error
		class func(error) bool
	}{
		{"NoSuchKey", get("example", "none", plain), as[*types.NoSuchKey]},
		{"NoSuchBucket", get("nowhere", "none", plain), unmodelled},
		{"NotFound", head, as[*types.NotFound]},
		{"InvalidRange", get("example", "here", func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=9-") }), unmodelled},
		{"NotModified", get("example", "here", func(in *s3.GetObjectInput) { in.IfNoneMatch = &tag }), unmodelled},
		{"PreconditionFailed", get("example", "here", func(in *s3.GetObjectInput) { in.IfMatch = aws.String(`"other"`) }), unmodelled},
		{"BucketNotEmpty", full, unmodelled},
		{"NoSuchUpload", part, unmodelled},
	} {
		var api smithy.APIError
		if !errors.As(c.err, &api) || api.ErrorCode() != c.code || !c.class(c.err) {
			t.Errorf("want %s: %v", c.code, c.err)
		}
	}
}

func TestALargeObjectIsPutInParts(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	ctx := t.Context()
	b.bucket("example")
	bucket, key := aws.String("example"), aws.String("big")
	upload := must(b.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key}))(t).UploadId
	var want []byte
	var done []types.CompletedPart
	for i, size := range []int{5 << 20, 5 << 20, 7} {
		piece := bytes.Repeat([]byte{byte('a' + i)}, size)
		want = append(want, piece...)
		number := aws.Int32(int32(i + 1))
		got := must(b.s3.UploadPart(ctx, &s3.UploadPartInput{Bucket: bucket, Key: key, UploadId: upload, PartNumber: number, Body: bytes.NewReader(piece)}))(t)
		done = append(done, types.CompletedPart{PartNumber: number, ETag: got.ETag, ChecksumCRC32: got.ChecksumCRC32})
	}
	if parts := must(b.s3.ListParts(ctx, &s3.ListPartsInput{Bucket: bucket, Key: key, UploadId: upload}))(t).Parts; len(parts) != 3 || aws.ToInt64(parts[2].Size) != 7 {
		t.Errorf("parts %v", parts)
	}
	if open := must(b.s3.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: bucket}))(t).Uploads; len(open) != 1 || text(open[0].UploadId) != text(upload) {
		t.Errorf("uploads %v", open)
	}
	ended := must(b.s3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: done}}))(t)
	if !strings.HasSuffix(text(ended.ETag), `-3"`) {
		t.Errorf("the tag is %s", text(ended.ETag))
	}
	if got, err := b.object(ctx, "s3://example/big"); err != nil || got != string(want) {
		t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
	}
	other := must(b.s3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key}))(t).UploadId
	must(b.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: other}))(t)
}
