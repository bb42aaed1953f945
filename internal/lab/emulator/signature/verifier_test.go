package signature

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The examples of AWS's documentation are all signed with this key.
const (
	exampleKey    = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	emptyHash     = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

func verifier(at string) *Verifier {
	now, _ := time.Parse(dateForm, at)
	return &Verifier{Keys: map[string]Key{exampleKey: {Secret: exampleSecret}, "AKIDEXAMPLE": {Secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, "SESSION": {Secret: exampleSecret, Token: "token"}},
		Now: func() time.Time { return now }}
}

// objectRequest is a request to S3 as the documentation has it, signed with signature.
func objectRequest(method, target, headers, signature string, more ...string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	r.Host = "examplebucket.s3.amazonaws.com"
	r.Header.Set("X-Amz-Date", "20130524T000000Z")
	r.Header.Set("X-Amz-Content-Sha256", emptyHash)
	for i := 0; i < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+exampleKey+"/20130524/us-east-1/s3/aws4_request,SignedHeaders="+headers+",Signature="+signature)
	return r
}

const presigned = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"

func link(target string) *http.Request {
	r := httptest.NewRequest("GET", target, nil)
	r.Host = "examplebucket.s3.amazonaws.com"
	return r
}

func listUsers() *http.Request {
	r := httptest.NewRequest("GET", "/?Action=ListUsers&Version=2010-05-08", nil)
	r.Host = "iam.amazonaws.com"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
	return r
}

func TestTheExamplesOfAWSVerify(t *testing.T) {
	for _, c := range []struct {
		name, service, at string
		r                 *http.Request
	}{
		{"a range of an object", "s3", "20130524T000100Z", objectRequest("GET", "/test.txt", "host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", "Range", "bytes=0-9")},
		{"a query without a value", "s3", "20130524T000100Z", objectRequest("GET", "/?lifecycle", "host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")},
		{"a query of two", "s3", "20130524T000100Z", objectRequest("GET", "/?prefix=J&max-keys=2", "host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")},
		{"a presigned URL, a day later", "s3", "20130524T235959Z", link(presigned)},
		{"a form", "iam", "20150830T123959Z", listUsers()},
	} {
		t.Run(c.name, func(t *testing.T) {
			if bad := verifier(c.at).Check(c.r, c.service); bad != nil {
				t.Errorf("refused: %+v", bad)
			}
		})
	}
}

func TestSignaturesAreRefusedInTheWordsOfTheService(t *testing.T) {
	const ranged = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
	const signed = "host;range;x-amz-content-sha256;x-amz-date"
	object := func(more ...string) *http.Request {
		return objectRequest("GET", "/test.txt", signed, ranged, append([]string{"Range", "bytes=0-9"}, more...)...)
	}
	edited := func(r *http.Request, old, new string) *http.Request {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
		return r
	}
	without := func(r *http.Request, name string) *http.Request {
		r.Header.Del(name)
		return r
	}
	const soon = "20130524T000100Z"
	for _, c := range []struct {
		name, at              string
		r                     *http.Request
		service               string
		json, query, s3, text string
		statusS3              int
	}{
		{"no signature", soon, link("/"), "s3", "MissingAuthenticationTokenException", "MissingAuthenticationToken", "AccessDenied", "Missing Authentication Token", 403},
		{"another header", soon, object("Range", "bytes=0-8"), "s3", "InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch", "does not match the signature you provided", 403},
		{"another algorithm", soon, edited(object(), "HMAC", "ECDSA"), "s3", "IncompleteSignatureException", "IncompleteSignature", "AuthorizationHeaderMalformed", "Unsupported AWS 'algorithm': 'AWS4-ECDSA-SHA256'", 400},
		{"half a signature", soon, edited(object(), ",Signature=", ",Sign="), "s3", "IncompleteSignatureException", "IncompleteSignature", "AuthorizationHeaderMalformed", "requires 'Signature' parameter", 400},
		{"a scope that is none", soon, edited(object(), "/aws4_request", "/aws4"), "s3", "IncompleteSignatureException", "IncompleteSignature", "AuthorizationHeaderMalformed", "exactly 5 slash-delimited elements", 400},
		{"a key that nobody has", soon, edited(object(), exampleKey, "AKIDNOBODY"), "s3", "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "The security token included in the request is invalid.", 403},
		{"a token where none is", soon, object("X-Amz-Security-Token", "t"), "s3", "UnrecognizedClientException", "InvalidClientTokenId", "InvalidToken", "The security token included in the request is invalid.", 400},
		{"another region", soon, edited(object(), "us-east-1", "eu-west-1"), "s3", "InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch", "does not match the signature you provided", 403},
		{"another service", soon, object(), "sagemaker", "InvalidSignatureException", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed", "Credential should be scoped to correct service: 'sagemaker'.", 400},
		{"another day", soon, edited(object(), "/20130524/", "/20130523/"), "s3", "InvalidSignatureException", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed", "'20130523' != '20130524'", 400},
		{"no date", soon, object("X-Amz-Date", ""), "s3", "IncompleteSignatureException", "IncompleteSignature", "AuthorizationHeaderMalformed", "Date must be in ISO-8601", 400},
		{"16 minutes late for S3", "20130524T001600Z", object(), "s3", "InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "Signature expired: 20130524T000000Z is now earlier than 20130524T000100Z (20130524T001600Z - 15 min.)", 403},
		{"16 minutes early for S3", "20130523T234400Z", object(), "s3", "InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "Signature not yet current", 403},
		{"6 minutes late for IAM", "20150830T124200Z", listUsers(), "iam", "InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "Signature expired: 20150830T123600Z is now earlier than 20150830T123700Z (20150830T124200Z - 5 min.)", 403},
		{"a header that is not signed", soon, object("X-Amz-Acl", "public-read"), "s3", "InvalidSignatureException", "SignatureDoesNotMatch", "AccessDenied", "not signed: x-amz-acl", 403},
		{"a host that is not signed", soon, edited(object(), "host;", ""), "s3", "InvalidSignatureException", "SignatureDoesNotMatch", "AccessDenied", "'Host' or ':authority' must be", 403},
		{"no hash of the content", soon, without(edited(object(), "x-amz-content-sha256;", ""), "X-Amz-Content-Sha256"), "s3", "InvalidSignatureException", "SignatureDoesNotMatch", "InvalidRequest", "Missing required header", 400},
		{"a hash that is none", soon, object("X-Amz-Content-Sha256", "e3"), "s3", "InvalidSignatureException", "SignatureDoesNotMatch", "InvalidArgument", "must be UNSIGNED-PAYLOAD", 400},
		{"a link whose day is over", "20130525T000001Z", link(presigned), "s3", "InvalidSignatureException", "SignatureDoesNotMatch", "AccessDenied", "Signature expired", 403},
		{"a link for another object", soon, link(strings.Replace(presigned, "test", "rest", 1)), "s3", "InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch", "does not match", 403},
		{"a link for more than a week", soon, link(strings.Replace(presigned, "86400", "604801", 1)), "s3", "IncompleteSignatureException", "IncompleteSignature", "AuthorizationQueryParametersError", "less than a week", 400},
		{"a link of signature version 2, as boto3 makes it unless told", soon, link("/test.txt?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=c2ln&Expires=1369440000"), "s3", "IncompleteSignatureException", "IncompleteSignature", "InvalidRequest", "Please use AWS4-HMAC-SHA256.", 400},
		{"signature version 2", soon, edited(object(), "AWS4-HMAC-SHA256 ", "AWS "), "s3", "IncompleteSignatureException", "IncompleteSignature", "InvalidRequest", "Please use AWS4-HMAC-SHA256.", 400},
		{"a link of another region", soon, link(strings.Replace(presigned, "us-east-1", "eu-west-1", 1)), "s3", "InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch", "does not match", 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := verifier(c.at).Check(c.r, c.service)
			if bad == nil {
				t.Fatal("accepted")
			}
			if got := bad.In(JSON); got.Type != c.json || got.Status != 400 || !strings.Contains(got.Text, c.text) {
				t.Errorf("awsJson says %d %v", got.Status, got)
			}
			if got := bad.In(REST); got.Type != c.json || got.Status != 403 {
				t.Errorf("REST says %d %v", got.Status, got)
			}
			if got := bad.In(Query); got.Type != c.query || got.Status != 403 {
				t.Errorf("Query says %d %v", got.Status, got)
			}
			if got := bad.In(Objects); got.Type != c.s3 || got.Status != c.statusS3 || got.Text == "" {
				t.Errorf("S3 says %d %v", got.Status, got)
			}
		})
	}
}

func TestABodyThatWasChangedIsFoundOut(t *testing.T) {
	v := verifier("20150830T123600Z")
	r := listUsers()
	r.Body = io.NopCloser(strings.NewReader("more"))
	if bad := v.Check(r, "iam"); bad == nil {
		t.Error("a form with another body is accepted")
	}
	v = verifier("20130524T000000Z")
	o := objectRequest("GET", "/test.txt", "host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", "Range", "bytes=0-9")
	o.Body = io.NopCloser(strings.NewReader("more"))
	if bad := v.Check(o, "s3"); bad != nil {
		t.Fatalf("refused before its body is read: %+v", bad)
	}
	if _, err := io.ReadAll(o.Body); !errors.Is(err, ErrContent) {
		t.Errorf("read with %v", err)
	}
}

// The example of AWS's documentation: 66,560 times "a" in chunks of 64 KiB, 1 KiB and nothing.
func TestTheChunksOfAWSVerify(t *testing.T) {
	v := verifier("20130524T000000Z")
	r := httptest.NewRequest("PUT", "/examplebucket/chunkObject.txt", nil)
	r.Host = "s3.amazonaws.com"
	r.ContentLength = 66824
	for name, value := range map[string]string{"X-Amz-Date": "20130524T000000Z", "X-Amz-Storage-Class": "REDUCED_REDUNDANCY", "X-Amz-Content-Sha256": signedChunks, "Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": "66560",
		"Authorization": "AWS4-HMAC-SHA256 Credential=" + exampleKey + "/20130524/us-east-1/s3/aws4_request,SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"} {
		r.Header.Set(name, value)
	}
	if bad := v.Check(r, "s3"); bad != nil {
		t.Fatalf("refused: %+v", bad)
	}
	chunks := ChunksOf(r.Context())
	signatures := []string{"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"}
	for i, size := range []int{64 << 10, 1 << 10, 0} {
		sum := sha256.Sum256(bytes.Repeat([]byte("a"), size))
		if err := chunks.Check(signatures[i], sum[:]); err != nil {
			t.Errorf("chunk %d: %v", i+1, err)
		}
	}
	if err := chunks.Check(signatures[2], nil); !errors.Is(err, ErrChunk) {
		t.Errorf("a chunk too many: %v", err)
	}
}

func FuzzAuthorization(f *testing.F) {
	r := listUsers()
	f.Add(r.Header.Get("Authorization"), "20150830T123600Z", "Action=ListUsers&Version=2010-05-08")
	f.Add("", "", presigned[len("/test.txt?"):])
	f.Add("AWS4-HMAC-SHA256 Credential=////,SignedHeaders=;;,Signature==", "x", "&&=&%zz")
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery, r.RequestURI = query, "/?"+query
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", date)
		v := verifier("20150830T123600Z")
		v.Keys = map[string]Key{"other": {}}
		if v.Check(r, "iam") == nil {
			t.Error("accepted without a key")
		}
	})
}
