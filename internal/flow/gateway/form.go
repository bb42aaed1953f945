package gateway

import (
	"bytes"
	"iter"
	"mime"
	"net/http"
	"strings"

	"betimes/internal/listen"
)

// form is how a body holds events: one, or many.
type form struct {
	one   func(h http.Header, body []byte) draft
	many  func(body []byte, most int, l *lease) (iter.Seq[draft], *listen.Problem)
	array bool // answers to many are one JSON array, not NDJSON
}

const (
	mediaJSON   = "application/json"
	mediaNDJSON = "application/x-ndjson"
)

// formOf chooses the form of what the topic holds: JSON would be accepted into a
// topic of csv and be a dead letter there.
func (s *Server) formOf(h http.Header) (form, *listen.Problem) {
	if s.deps.Value != "csv" && s.deps.Value != "avro" {
		return formOf(h)
	}
	if s.deps.Value == "avro" && (h.Get("X-Key") == "" || !isBinary(h.Get("Content-Type")) || h.Get("ce-specversion") != "") {
		return form{}, unsupported("the topic holds avro (kafka.topics.events.value); send one record in Confluent's wire format, with X-Key and Content-Type: application/octet-stream")
	}
	if h.Get("X-Key") == "" || isJSON(h.Get("Content-Type")) || h.Get("ce-specversion") != "" {
		return form{}, unsupported("the topic holds csv (kafka.topics.events.value); send one line as it is, with X-Key and Content-Type: text/csv")
	}
	return form{one: raw}, nil
}

// formOf chooses the form by Content-Type, ce-specversion and X-Key.
func formOf(h http.Header) (form, *listen.Problem) {
	if h.Get("Content-Type") == mediaJSON && h.Get("ce-specversion") == "" {
		return form{one: object}, nil
	}
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii") && h.Get("X-Key") == "" {
		return form{}, unsupported("the charset is not UTF-8; send UTF-8")
	}
	switch {
	case media == "application/cloudevents+json":
		return form{one: structuredEvent}, nil
	case media == "application/cloudevents-batch+json":
		return form{many: structuredEvents, array: true}, nil
	case h.Get("ce-specversion") != "":
		return form{one: binaryEvent}, nil
	case media == mediaNDJSON, media == "application/jsonl", media == "application/ndjson", media == "application/jsonlines":
		return form{many: lines}, nil
	case media == "text/csv":
		return form{many: rows}, nil
	case isJSON(media):
		return form{one: object}, nil
	case h.Get("Content-Type") == "":
		return form{one: guess}, nil
	case h.Get("X-Key") != "":
		return form{one: raw}, nil
	case media == "application/x-www-form-urlencoded":
		return form{}, unsupported("this is a form, as curl -d sends it; add -H 'Content-Type: application/json'")
	case err != nil:
		return form{}, unsupported("Content-Type is not a media type")
	}
	return form{}, unsupported("events are application/json, application/x-ndjson, text/csv or CloudEvents; for raw bytes of another type send X-Key too")
}

func unsupported(detail string) *listen.Problem {
	p := listen.NewProblem(http.StatusUnsupportedMediaType, "media_type", "The media type is not supported", detail)
	p.Field = "Content-Type"
	return &p
}

func isBinary(media string) bool {
	return media == "application/octet-stream" || media == "avro/binary" || media == "application/avro"
}

func isJSON(media string) bool {
	return media == mediaJSON || media == "text/json" || strings.HasSuffix(media, "+json")
}

// object is one JSON object.
func object(_ http.Header, body []byte) draft {
	return draft{value: body, json: true, contentType: mediaJSON}
}

// guess takes a body of no declared type for what it looks like.
func guess(h http.Header, body []byte) draft {
	start := bytes.TrimLeft(body, " \t\r\n")
	switch {
	case len(start) == 0, start[0] == '{', h.Get("X-Key") == "" && (start[0] == '[' || bytes.HasPrefix(start, byteOrderMark)):
		return object(h, body)
	case h.Get("X-Key") != "":
		return draft{value: body, contentType: "application/octet-stream"}
	}
	return draft{problem: unsupported("without a Content-Type only a JSON object is taken, or any bytes with X-Key")}
}

// raw is any bytes; the key comes with X-Key.
func raw(h http.Header, body []byte) draft {
	d := draft{value: body, contentType: h.Get("Content-Type")}
	if len(body) == 0 {
		d.problem = malformed("empty", "", "the body is empty")
	}
	return d
}
