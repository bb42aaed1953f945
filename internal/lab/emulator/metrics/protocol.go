package metrics

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"betimes/internal/lab/emulator/reply"
)

// object is the members of an answer: texts, numbers, flags, reply.Time,
// objects, lists of those. Absent members are left out.
type object = map[string]any

// protocol is one of the three ways to speak to CloudWatch.
type protocol interface {
	operation(r *http.Request) string
	// request makes JSON of a body.
	request(body []byte) ([]byte, error)
	answer(w http.ResponseWriter, operation string, a object) error
	refuse(w http.ResponseWriter, e *reply.Error)
}

// The marks of CloudWatch in a request.
const (
	TargetPrefix = "GraniteServiceVersion20100801."
	PathPrefix   = "/service/GraniteServiceVersion20100801/operation/"
)

func protocolOf(r *http.Request) protocol {
	switch {
	case strings.HasPrefix(r.URL.Path, PathPrefix):
		return binary{}
	case r.Header.Get("X-Amz-Target") != "":
		return text{}
	}
	return &query{}
}

// maxRequestBytes is more than CloudWatch's 1 MB of a request, also unpacked.
const maxRequestBytes = 4 << 20

// read gives the body, unpacked: clients compress large PutMetricData requests.
func read(r *http.Request) ([]byte, error) {
	var in io.Reader = r.Body
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		unpacked, err := gzip.NewReader(io.LimitReader(r.Body, maxRequestBytes))
		if err != nil {
			return nil, malformed(err)
		}
		in = unpacked
	}
	body, err := io.ReadAll(io.LimitReader(in, maxRequestBytes+1))
	if err != nil {
		return nil, malformed(err)
	}
	if len(body) > maxRequestBytes {
		return nil, &reply.Error{Status: http.StatusRequestEntityTooLarge, Type: "RequestEntityTooLarge", Text: fmt.Sprintf("The request is larger than %d bytes.", maxRequestBytes)}
	}
	return body, nil
}

func malformed(err error) *reply.Error {
	return &reply.Error{Status: http.StatusBadRequest, Type: "SerializationException", Text: err.Error()}
}

// decode reads a request.
func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return malformed(err)
	}
	return nil
}

// queryCodes are the names that the Query protocol has for errors of the model,
// where they differ; clients of the other protocols are told them in a header.
var queryCodes = map[string]string{
	"InternalServiceFault":                 "InternalServiceError",
	"InvalidFormatFault":                   "InvalidFormat",
	"InvalidParameterCombinationException": "InvalidParameterCombination",
	"InvalidParameterValueException":       "InvalidParameterValue",
	"LimitExceededFault":                   "LimitExceeded",
	"MissingRequiredParameterException":    "MissingParameter",
	"ValidationException":                  "ValidationError",
	"UnknownOperationException":            "InvalidAction",
}

func queryCode(name string) string {
	if code, ok := queryCodes[name]; ok {
		return code
	}
	return name
}

func side(e *reply.Error) string {
	if e.Status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

// Refuse answers with an error that came up before the request was looked at.
func Refuse(w http.ResponseWriter, r *http.Request, e *reply.Error) { protocolOf(r).refuse(w, e) }

// text is awsJson1.0.
type text struct{}

func (text) operation(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("X-Amz-Target"), TargetPrefix)
}

func (text) request(body []byte) ([]byte, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return []byte("{}"), nil
	}
	return body, nil
}

const jsonType = "application/x-amz-json-1.0"

func (text) answer(w http.ResponseWriter, _ string, a object) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", jsonType)
	_, err = w.Write(body)
	return err
}

func (text) refuse(w http.ResponseWriter, e *reply.Error) {
	body, _ := json.Marshal(map[string]string{"__type": "com.amazonaws.cloudwatch#" + e.Type, "message": e.Text}) // texts always marshal
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("X-Amzn-Query-Error", queryCode(e.Type)+";"+side(e))
	w.WriteHeader(e.Status)
	_, _ = w.Write(body) // the caller may have gone
}
