package wire

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

var (
	noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	keys = Credentials{AccessKey: "AKIDEXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
)

// reference signs with the vendor's own signer.
func reference(t testing.TB, service, address string, h http.Header, body []byte, c Credentials) string {
	r, err := http.NewRequest(http.MethodPost, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = h.Clone()
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	creds := aws.Credentials{AccessKeyID: c.AccessKey, SecretAccessKey: c.Secret, SessionToken: c.Token}
	if err := signer.SignHTTP(t.Context(), creds, r, PayloadHash(body), service, "eu-west-1", noon); err != nil {
		t.Fatal(err)
	}
	return r.Header.Get("Authorization")
}

func TestSignaturesEqualTheVendorsOwn(t *testing.T) {
	session := keys
	session.Token = "t0ken=="
	for _, tt := range []struct {
		name, service, address string
		header                 http.Header
		body                   string
		credentials            Credentials
	}{
		{"a control call", "sagemaker", "https://api.sagemaker.eu-west-1.amazonaws.com/", http.Header{
			"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"SageMaker.DescribeEndpoint"}, "User-Agent": {"betimes"}}, "{}", keys},
		{"an invocation", "sagemaker", "http://127.0.0.1:8070/endpoints/fraud-1/invocations", http.Header{
			"Content-Type": {"text/csv"}, "X-Amzn-Sagemaker-Custom-Attributes": {" a=1;  b=2 "}, "Accept": {"*/*"}}, "1,2", keys},
		{"a session", "sagemaker", "http://127.0.0.1:8070/", http.Header{}, "", session},
		{"a path to escape twice", "sagemaker", "http://127.0.0.1:8070/endpoints/a%20b/x", http.Header{}, "", keys},
		{"an object", "s3", "http://127.0.0.1:8070/bucket/" + EscapePath("a b/c+d=é.csv"), http.Header{HeaderContentHash: {PayloadHash(nil)}}, "", keys},
		{"a query", "s3", "http://127.0.0.1:8070/bucket?prefix=a/b%20c&list-type=2&delimiter=", http.Header{}, "", keys},
		{"no path", "s3", "http://127.0.0.1:8070", http.Header{"X-Twice": {"a", " b  c"}}, "", keys},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := reference(t, tt.service, tt.address, tt.header, []byte(tt.body), tt.credentials)
			u, err := url.Parse(tt.address)
			if err != nil {
				t.Fatal(err)
			}
			signer := NewSigner("eu-west-1", tt.service)
			for range 2 { // with a fresh key and with the kept one
				h := tt.header.Clone()
				signer.Sign(Request{Method: "POST", URL: u, Header: h, PayloadHash: PayloadHash([]byte(tt.body))}, tt.credentials, noon)
				if got := h.Get("Authorization"); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
		})
	}
}

func TestOtherCredentialsAndAnotherDayGetAnotherKey(t *testing.T) {
	signer := NewSigner("eu-west-1", "sagemaker")
	sign := func(c Credentials, at time.Time) string {
		h := http.Header{}
		signer.Sign(Request{Method: "POST", URL: &url.URL{Scheme: "http", Host: "h", Path: "/"}, Header: h}, c, at)
		return h.Get("Authorization")
	}
	first := sign(keys, noon)
	other := keys
	other.Secret = "another"
	if sign(other, noon) == first || sign(keys, noon.AddDate(0, 0, 1)) == first || sign(keys, noon) != first {
		t.Error("a kept key was used for other credentials or another day")
	}
	if strings.Contains(first, keys.Secret) {
		t.Error("the secret is in the header")
	}
}

func BenchmarkSign(b *testing.B) {
	u := &url.URL{Scheme: "http", Host: "127.0.0.1:8070", Path: "/endpoints/fraud/invocations"}
	signer := NewSigner("eu-west-1", "sagemaker")
	body := bytes.Repeat([]byte("1.5,"), 50)
	b.ReportAllocs()
	for b.Loop() {
		h := http.Header{"Content-Type": {"text/csv"}, "X-Amzn-Sagemaker-Custom-Attributes": {"betimes-deadline=1;batch=1"}, "User-Agent": {"betimes"}}
		signer.Sign(Request{Method: "POST", URL: u, Header: h, PayloadHash: PayloadHash(body)}, keys, noon)
	}
}

func BenchmarkVendor(b *testing.B) {
	signer := v4.NewSigner()
	body := bytes.Repeat([]byte("1.5,"), 50)
	creds := aws.Credentials{AccessKeyID: keys.AccessKey, SecretAccessKey: keys.Secret}
	u := &url.URL{Scheme: "http", Host: "127.0.0.1:8070", Path: "/endpoints/fraud/invocations"}
	b.ReportAllocs()
	for b.Loop() {
		r := &http.Request{Method: "POST", URL: u, Header: http.Header{"Content-Type": {"text/csv"}, "X-Amzn-Sagemaker-Custom-Attributes": {"betimes-deadline=1;batch=1"}, "User-Agent": {"betimes"}}}
		if err := signer.SignHTTP(b.Context(), creds, r, PayloadHash(body), "sagemaker", "eu-west-1", noon); err != nil {
			b.Fatal(err)
		}
	}
}
