package objects

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
)

// maxObjectBytes is S3's limit of one PUT.
const maxObjectBytes = 5 << 30

// Server answers the S3 protocol, path style: /bucket/key.
type Server struct {
	Region, Account string // of who asks
	Buckets         *Buckets
	Journal         *journal.Journal
	Faults          *injection.Book
	Log             *slog.Logger
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
	began := time.Now()
	bucket, key := target(r)
	r.Body = http.MaxBytesReader(w, r.Body, maxObjectBytes)
	c := call{w, r, bucket, key}
	note := journal.Entry{Time: began, Kind: journal.Request, Operation: c.operation(), Resource: "s3://" + bucket + "/" + key, Status: http.StatusOK}
	if err := s.run(c, note.Operation); err != nil {
		f := asFailure(err)
		if f.status >= http.StatusInternalServerError {
			s.Log.Error("object request failed", "method", r.Method, "error", err)
		}
		note.Status, note.Error = f.status, f.Code
		f.write(w, r)
	}
	note.Micros = time.Since(began).Microseconds()
	s.Journal.Note(note)
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

func (s *Server) run(c call, operation string) error {
	if f := s.Faults.Of(injection.Where{Operation: operation, Bucket: c.bucket, Region: s.Region, Account: s.Account}, injection.StorageError); f != nil {
		s.Journal.Note(journal.Entry{Time: time.Now(), Kind: journal.Fault, Operation: operation, Resource: "s3://" + c.bucket + "/" + c.key, Text: f.Fault + " " + f.ID})
		return injected(f.Status)
	}
	switch {
	case c.bucket != "" && operation != "CreateBucket" && !s.Buckets.Has(c.bucket):
		return noBucket(c.bucket)
	case len(c.key) > maxKeyBytes:
		return fail(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	}
	if err := c.refuseSettings(); err != nil {
		return err
	}
	run, ok := operations[operation]
	if !ok {
		return fail(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
	}
	return run(s, c)
}

// maxKeyBytes is S3's limit.
const maxKeyBytes = 1024

// notBuilt is S3's NotImplemented with the status of all that is refused by name: clients retry a 5xx.
func notBuilt(what string) error {
	return fail(http.StatusBadRequest, "NotImplemented", what+" is not built in this emulator")
}

// settings are the sub-resources of buckets and objects that are not built; each is refused by name.
// One that is not here would be taken for the bucket or object itself.
var settings = []string{
	"abac", "accelerate", "acl", "analytics", "annotation", "attributes", "cors", "encryption", "intelligent-tiering", "inventory", "legal-hold", "lifecycle", "logging",
	"metadataAnnotationTable", "metadataConfiguration", "metadataInventoryTable", "metadataJournalTable", "metadataTable", "metrics", "notification", "object-lock",
	"ownershipControls", "policy", "policyStatus", "publicAccessBlock", "renameObject", "replication", "requestPayment", "restore", "retention", "select", "session",
	"tagging", "torrent", "versioning", "versions", "website",
}

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
