package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Codec turns request values into bodies and bodies into answers, for one
// content type. It is safe for concurrent use.
type Codec interface {
	// ContentType is what the request is sent as.
	ContentType() string
	// Encode makes the body of one event from its request value: for csv,
	// libsvm and recordio a list of numbers, for JSON any value, for text and bytes a string.
	Encode(value any) ([]byte, error)
	// Joinable says whether bodies of this kind can share one call.
	Joinable(body []byte) bool
	// Alike says whether two joinable bodies can share one call with each other.
	Alike(a, b []byte) bool
	// Join makes one body of the items' bodies, in order. A single item is sent as it is.
	Join(items []Item) []byte
	// Split parts the body of an answer, of the given content type, into n
	// answers in order; an error when there are not exactly n. n = 1 returns the
	// body. Each part reads as if its event had been asked alone.
	Split(body []byte, contentType string, n int) ([][]byte, error)
	// Decode makes JSON of one answer's body, for the prediction: a JSON body as
	// it is, a csv line a number or a list, other text a string.
	Decode(body []byte, contentType string) (json.RawMessage, error)
}

// RowCodec is a Codec that makes a body of a row of numbers without going
// through any: csv, JSON and JSON lines are.
type RowCodec interface {
	Codec
	// AppendRow appends the body of one event to dst. NaN is a missing value: an
	// empty cell, null in JSON. JSON has no infinity: it is sent as null too, so
	// refuse it before.
	AppendRow(dst []byte, row []float64) []byte
}

// CodecFor returns the Codec of a content type such as text/csv or
// application/json; its parameters are kept and sent.
func CodecFor(contentType string) (Codec, error) {
	switch kindOf(contentType) {
	case kindCSV:
		return csvCodec{decoder{contentType}}, nil
	case kindJSON:
		return jsonCodec{decoder{contentType}}, nil
	case kindLines:
		return linesCodec{decoder{contentType}}, nil
	case kindSVM:
		return svmCodec{decoder{contentType}}, nil
	case kindRecord:
		return recordCodec{decoder{contentType}}, nil
	case kindText, kindBytes:
		return textCodec{decoder{contentType}}, nil
	}
	return nil, fmt.Errorf("content type %q is not known; use text/csv, text/libsvm, application/json, application/jsonlines, application/x-recordio-protobuf, text/plain or application/octet-stream", contentType)
}

// kind is what a content type means to us.
type kind uint8

const (
	kindUnknown kind = iota
	kindCSV
	kindJSON
	kindLines
	kindSVM
	kindText
	kindBytes
	kindRecord
)

// kindOf looks at the media type only; it allocates nothing for the usual spellings.
func kindOf(contentType string) kind {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	switch media {
	case "text/csv":
		return kindCSV
	case "application/json", "text/json":
		return kindJSON
	case "application/jsonlines", "application/x-jsonlines", "application/x-ndjson", "application/ndjson", "application/jsonl":
		return kindLines
	case "text/libsvm", "text/x-libsvm":
		return kindSVM
	case "application/x-recordio-protobuf":
		return kindRecord
	case "application/octet-stream":
		return kindBytes
	}
	switch {
	case strings.HasSuffix(media, "+json") && strings.Contains(media, "/"):
		return kindJSON
	case strings.HasPrefix(media, "text/") && len(media) > len("text/"):
		return kindText
	}
	return kindUnknown
}

// decoder is the part of every Codec that does not depend on the request.
type decoder struct{ contentType string }

func (d decoder) ContentType() string { return d.contentType }

func (decoder) Decode(body []byte, contentType string) (json.RawMessage, error) {
	return decode(body, contentType)
}

// Alike: lines always are.
func (decoder) Alike([]byte, []byte) bool { return true }

func (decoder) Split(body []byte, contentType string, n int) ([][]byte, error) {
	return split(body, contentType, n)
}

// errInfinite is said of a number that no content type can carry.
var errInfinite = errors.New("a number of the request is infinite; map it to a finite number or leave the cell empty")
