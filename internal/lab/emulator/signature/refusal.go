package signature

import (
	"fmt"
	"net/http"
	"time"

	"betimes/internal/lab/emulator/reply"
)

// Style is how a service says no.
type Style int

// The styles of awsJson (400), of REST and CBOR with the same names (403), of the Query protocol and of S3.
const (
	JSON Style = iota
	REST
	Query
	Objects
)

// Refusal is a signature that is not accepted, in the words of each style.
type Refusal struct {
	json, query, s3 string // names of the error
	statusS3        int
	text, textS3    string
}

// In gives the refusal as a service of that style answers it.
func (f *Refusal) In(style Style) *reply.Error {
	switch style {
	case Objects:
		return &reply.Error{Status: f.statusS3, Type: f.s3, Text: f.textS3}
	case Query:
		return &reply.Error{Status: http.StatusForbidden, Type: f.query, Text: f.text}
	case REST:
		return &reply.Error{Status: http.StatusForbidden, Type: f.json, Text: f.text}
	}
	return &reply.Error{Status: http.StatusBadRequest, Type: f.json, Text: f.text}
}

// invalid is a signature that does not hold, for the reason that text gives; S3 has another name for each.
func invalid(text, s3 string, statusS3 int, textS3 string) *Refusal {
	return &Refusal{"InvalidSignatureException", "SignatureDoesNotMatch", s3, statusS3, text, textS3}
}

func missing() *Refusal {
	return &Refusal{"MissingAuthenticationTokenException", "MissingAuthenticationToken", "AccessDenied", http.StatusForbidden, "Missing Authentication Token", "Access Denied"}
}

// tooOld is signature version 2, with which boto3 presigns for S3 unless its config
// has signature_version s3v4.
func tooOld() *Refusal {
	const text = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
	return &Refusal{"IncompleteSignatureException", "IncompleteSignature", "InvalidRequest", http.StatusBadRequest, text, text}
}

func incomplete(format string, args ...any) *Refusal {
	text := fmt.Sprintf(format, args...)
	return &Refusal{"IncompleteSignatureException", "IncompleteSignature", "AuthorizationHeaderMalformed", http.StatusBadRequest, text, "The authorization header is malformed; " + text}
}

func badQuery(text string) *Refusal {
	return &Refusal{"IncompleteSignatureException", "IncompleteSignature", "AuthorizationQueryParametersError", http.StatusBadRequest, text, text}
}

func unknownKey() *Refusal {
	return &Refusal{"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", http.StatusForbidden,
		"The security token included in the request is invalid.", "The AWS Access Key Id you provided does not exist in our records."}
}

func wrongToken() *Refusal {
	return &Refusal{"UnrecognizedClientException", "InvalidClientTokenId", "InvalidToken", http.StatusBadRequest,
		"The security token included in the request is invalid.", "The provided token is malformed or otherwise invalid."}
}

func mismatch() *Refusal {
	return invalid("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
		"SignatureDoesNotMatch", http.StatusForbidden, "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
}

// WrongRegion is a region that cannot be.
func WrongRegion(given, want string, presigned bool) *Refusal {
	kind, part := "AuthorizationHeaderMalformed", "The authorization header is malformed"
	if presigned {
		kind, part = "AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter"
	}
	return invalid(fmt.Sprintf("Credential should be scoped to a valid region, not '%s'. ", given), kind, http.StatusBadRequest,
		fmt.Sprintf("%s; the region '%s' is wrong; expecting '%s'", part, given, want))
}

func wrongScope(format string, args ...any) *Refusal {
	text := fmt.Sprintf(format, args...)
	return invalid(text, "AuthorizationHeaderMalformed", http.StatusBadRequest, "The authorization header is malformed; "+text)
}

const tooSkewed = "The difference between the request time and the current time is too large."

func early(s *claim, now time.Time, most time.Duration) *Refusal {
	kind, text := "RequestTimeTooSkewed", tooSkewed
	if s.presigned {
		kind, text = "AccessDenied", "Request is not yet valid"
	}
	return invalid(fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %d min.)", s.date, now.Add(most).Format(dateForm), now.Format(dateForm), most/time.Minute),
		kind, http.StatusForbidden, text)
}

func late(s *claim, now time.Time, most time.Duration) *Refusal {
	return invalid(fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %d min.)", s.date, now.Add(-most).Format(dateForm), now.Format(dateForm), most/time.Minute),
		"RequestTimeTooSkewed", http.StatusForbidden, tooSkewed)
}

// expired is a presigned URL whose time is over.
func expired(s *claim, now time.Time) *Refusal {
	return invalid(fmt.Sprintf("Signature expired: %s is now earlier than %s", s.at.Add(s.expires).Format(dateForm), now.Format(dateForm)),
		"AccessDenied", http.StatusForbidden, "Request has expired")
}

func unsigned(text string) *Refusal {
	return invalid(text, "AccessDenied", http.StatusForbidden, text)
}

func noContentHash() *Refusal {
	const text = "Missing required header for this request: x-amz-content-sha256"
	return invalid(text, "InvalidRequest", http.StatusBadRequest, text)
}

func badContentHash() *Refusal {
	const text = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value."
	return invalid(text, "InvalidArgument", http.StatusBadRequest, text)
}
