package objects

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"

	"betimes/internal/lab/emulator/reply"
	"betimes/internal/lab/emulator/signature"
)

// failure is an error as S3 answers it.
type failure struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string   `xml:"Code"`
	Message   string   `xml:"Message"`
	Resource  string   `xml:"Resource,omitempty"`
	Key       string   `xml:"Key,omitempty"`
	Bucket    string   `xml:"BucketName,omitempty"`
	RequestID string   `xml:"RequestId"`
	status    int
}

// Error gives code: message.
func (f *failure) Error() string { return f.Code + ": " + f.Message }

func fail(status int, code, message string) *failure {
	return &failure{Code: code, Message: message, status: status}
}

func noBucket(name string) *failure {
	f := fail(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	f.Bucket = name
	return f
}

func noKey(key string) *failure {
	f := fail(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	f.Key = key
	return f
}

// asFailure turns any error into one of S3.
func asFailure(err error) *failure {
	var f *failure
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, signature.ErrContent):
		return fail(http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	case errors.Is(err, signature.ErrChunk):
		return fail(http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	case errors.Is(err, errChunk), errors.Is(err, io.ErrUnexpectedEOF):
		return fail(http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
	case errors.As(err, &tooLarge):
		return fail(http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
	case errors.Is(err, errOwned):
		return fail(http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
	case errors.Is(err, errTaken):
		return fail(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
	case errors.Is(err, ErrNoObject):
		return fail(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	}
	return internal()
}

func internal() *failure {
	return fail(http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
}

// injected is the error that a fault asks for.
func injected(status int) *failure {
	if status == http.StatusServiceUnavailable {
		return fail(status, "SlowDown", "Please reduce your request rate.")
	}
	return internal()
}

// Refuse answers with an error of S3 that came up before the request was looked at.
func Refuse(w http.ResponseWriter, r *http.Request, e *reply.Error) {
	fail(e.Status, e.Type, e.Text).write(w, r)
}

// write answers with f; HEAD has no body.
func (f *failure) write(w http.ResponseWriter, r *http.Request) {
	f.RequestID = w.Header().Get("X-Amzn-Requestid")
	f.Resource = r.URL.Path
	if r.Method == http.MethodHead {
		w.WriteHeader(f.status)
		return
	}
	writeXML(w, f.status, f)
}

func writeXML(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, xml.Header)
	_ = xml.NewEncoder(w).Encode(v) // the caller may have gone
}
