package objects

import (
	"log/slog"
	"net/http"
	"strings"
)

// maxObjectBytes is S3's limit of one PUT.
const maxObjectBytes = 5 << 30

// Server answers the S3 protocol, path style: /bucket/key.
type Server struct {
	Buckets *Buckets
	Log     *slog.Logger
}

// call is one request, taken apart.
type call struct {
	w           http.ResponseWriter
	r           *http.Request
	bucket, key string
}

// has says whether the query has name, as in ?uploads.
func (c call) has(name string) bool {
	return c.r.URL.RawQuery != "" && c.r.URL.Query().Has(name)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bucket, key := target(r)
	r.Body = http.MaxBytesReader(w, r.Body, maxObjectBytes)
	c := call{w, r, bucket, key}
	err := s.route(c)
	if err == nil {
		return
	}
	f := asFailure(err)
	if f.status >= http.StatusInternalServerError {
		s.Log.Error("object request failed", "method", r.Method, "error", err)
	}
	f.write(w, r)
}

// target finds bucket and key: /bucket/key, or /key of the host bucket.localhost.
func target(r *http.Request) (bucket, key string) {
	host, _, _ := strings.Cut(r.Host, ":")
	path := strings.TrimPrefix(r.URL.Path, "/")
	if bucket, virtual := strings.CutSuffix(host, ".localhost"); virtual {
		return bucket, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

func (s *Server) route(c call) error {
	switch {
	case c.bucket == "":
		return s.service(c)
	case c.key == "":
		return s.bucket(c)
	case !s.Buckets.Has(c.bucket):
		return noBucket(c.bucket)
	}
	return s.object(c)
}

func notBuilt(what string) error {
	return fail(http.StatusNotImplemented, "NotImplemented", what+" is not built in this emulator")
}

// settings are the sub-resources of buckets and objects that are not built; each is refused by name.
var settings = []string{"acl", "tagging", "versioning", "versions", "policy", "lifecycle", "cors", "encryption", "notification", "replication",
	"website", "logging", "object-lock", "retention", "legal-hold", "torrent", "restore", "select", "attributes", "publicAccessBlock", "ownershipControls", "accelerate"}

func (c call) refuseSettings() error {
	if c.r.URL.RawQuery == "" {
		return nil
	}
	q := c.r.URL.Query()
	for _, name := range settings {
		if q.Has(name) {
			return notBuilt("?" + name)
		}
	}
	return nil
}
