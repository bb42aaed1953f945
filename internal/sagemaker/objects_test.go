package sagemaker

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"betimes/internal/sagemaker/wire"
)

// bucketServer is S3 with one map.
func bucketServer(t *testing.T, region string) (*Objects, *sync.Map) {
	var held sync.Map
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get(wire.HeaderContentHash) != wire.PayloadHash(body) || !strings.Contains(r.Header.Get("Authorization"), "/"+region+"/s3/") {
			t.Errorf("hash %s, authorization %s", r.Header.Get(wire.HeaderContentHash), r.Header.Get("Authorization"))
		}
		path := r.URL.EscapedPath()
		if r.Method == http.MethodPut {
			held.Store(path, body)
			return
		}
		if path == "/foreign" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		stored, ok := held.Load(path)
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>`)
			return
		}
		_, _ = w.Write(stored.([]byte))
	}))
	t.Cleanup(s.Close)
	c := fraud()
	c.Region = region
	o, err := account(t, s.URL).Objects(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o, &held
}

func TestAnObjectIsWrittenAndRead(t *testing.T) {
	o, held := bucketServer(t, "us-east-1")
	const key = "a b/c+d=é.csv"
	if ok, err := o.Exists(t.Context(), "bucket", key); ok || err != nil {
		t.Errorf("before: %v, %v", ok, err)
	}
	if err := o.Put(t.Context(), "bucket", key, []byte("1,2")); err != nil {
		t.Fatal(err)
	}
	got, err := o.Get(t.Context(), "bucket", key)
	if err != nil || string(got) != "1,2" {
		t.Errorf("got %q, %v", got, err)
	}
	if ok, err := o.Exists(t.Context(), "bucket", key); !ok || err != nil {
		t.Errorf("after: %v, %v", ok, err)
	}
	if _, ok := held.Load("/bucket/a%20b/c%2Bd%3D%C3%A9.csv"); !ok {
		t.Error("the path is not escaped as it is signed")
	}
}

func TestAMissingObjectIsNamed(t *testing.T) {
	o, _ := bucketServer(t, "us-east-1")
	_, err := o.Get(t.Context(), "bucket", "k")
	if !IsMissing(err) || !strings.Contains(err.Error(), "GetObject s3://bucket/k: NoSuchKey") {
		t.Errorf("got %v", err)
	}
}

func TestABucketIsMadeOnceWhereItBelongs(t *testing.T) {
	for region, want := range map[string]string{"us-east-1": "", "eu-west-1": "<LocationConstraint>eu-west-1<"} {
		o, held := bucketServer(t, region)
		for range 2 {
			if err := o.EnsureBucket(t.Context(), "bucket"); err != nil {
				t.Fatal(err)
			}
		}
		body, _ := held.Load("/bucket")
		if !strings.Contains(string(body.([]byte)), want) || slices.Equal(body.([]byte), nil) != (want == "") {
			t.Errorf("%s: %s", region, body)
		}
	}
}

func TestABucketOfSomebodyElseIsAnError(t *testing.T) {
	o, _ := bucketServer(t, "us-east-1")
	if err := o.EnsureBucket(t.Context(), "foreign"); err == nil || !strings.Contains(err.Error(), "HeadBucket s3://foreign") || !strings.Contains(err.Error(), "permissions") {
		t.Errorf("got %v", err)
	}
}
