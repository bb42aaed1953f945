package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"iter"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"betimes/internal/event"
	"betimes/internal/listen"
	"betimes/internal/pointer"
)

// required are the attributes that every CloudEvent (1.0) has.
var required = []string{"specversion", "id", "source", "type"}

// binaryEvent is a CloudEvent whose attributes are ce-* headers and whose payload is the body.
func binaryEvent(h http.Header, body []byte) draft {
	attributes := map[string]string{}
	for name, values := range h {
		if attribute, ok := strings.CutPrefix(name, "Ce-"); ok && len(values) > 0 {
			attributes[strings.ToLower(attribute)] = values[0]
		}
	}
	d := attributed(attributes, "ce-")
	d.value, d.contentType = body, h.Get("Content-Type")
	media, _, _ := mime.ParseMediaType(d.contentType) // what is no media type is not JSON
	if d.json = d.contentType == "" || isJSON(media); d.json {
		d.contentType = mediaJSON
	}
	if d.problem == nil && len(body) == 0 {
		d.problem = malformed("empty", "", "the CloudEvent has no data")
	}
	return d
}

// structuredEvent is a CloudEvent that is one JSON object; its payload is data or data_base64.
func structuredEvent(_ http.Header, body []byte) draft {
	if p := checkObject(body); p != nil {
		return draft{problem: p}
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return draft{problem: notJSON(body)}
	}
	attributes := map[string]string{}
	for name, value := range members {
		if name == "data" || name == "data_base64" {
			continue
		}
		text, ok := attribute(value)
		if !ok {
			return draft{problem: malformed("cloudevent", "/"+name, "the attribute is neither string, number nor boolean")}
		}
		if text != "" {
			attributes[name] = text
		}
	}
	d := attributed(attributes, "/")
	if d.problem == nil {
		d.payload(attributes["datacontenttype"], members)
	}
	return d
}

// attribute gives a string without its quotes and other scalars as written, percent-encoded as the HTTP
// binding does; null is absent.
func attribute(value json.RawMessage) (text string, ok bool) {
	switch value[0] {
	case '"':
		if json.Unmarshal(value, &text) != nil {
			return "", false
		}
		return percent(text), true
	case '{', '[':
		return "", false
	case 'n':
		return "", true
	}
	return string(value), true
}

// payload takes data as it was written, or decodes data_base64.
func (d *draft) payload(contentType string, members map[string]json.RawMessage) {
	media, _, _ := mime.ParseMediaType(contentType) // what is no media type is not JSON
	d.contentType, d.json = contentType, contentType == "" || isJSON(media)
	if d.json {
		d.contentType = mediaJSON
	}
	data, encoded := members["data"], members["data_base64"]
	var text string
	switch {
	case encoded != nil && data != nil:
		d.problem = malformed("cloudevent", "/data_base64", "the CloudEvent has both data and data_base64; send one")
	case encoded != nil:
		var err error
		if json.Unmarshal(encoded, &text) == nil {
			d.value, err = base64.StdEncoding.DecodeString(text)
		}
		if err != nil || len(d.value) == 0 {
			d.problem = malformed("cloudevent", "/data_base64", "data_base64 is not base64 of anything")
		}
	case data == nil || bytes.Equal(data, []byte("null")):
		d.problem = malformed("empty", "/data", "the CloudEvent has no data")
	case d.json:
		d.value = data
	case json.Unmarshal(data, &text) == nil:
		d.value = []byte(text)
	default: // JSON in spite of its type
		d.value = data
	}
}

// attributed begins a draft with id, time, key and ce_* headers; prefix is how
// the caller writes an attribute.
func attributed(attributes map[string]string, prefix string) draft {
	for _, name := range required {
		if attributes[name] == "" {
			return draft{problem: malformed("cloudevent", prefix+name, "the CloudEvent lacks this attribute")}
		}
	}
	if attributes["specversion"] != "1.0" {
		return draft{problem: malformed("cloudevent", prefix+"specversion", "only CloudEvents 1.0 are known")}
	}
	if p := checkID(attributes["id"], prefix+"id"); p != nil {
		return draft{problem: p}
	}
	d := draft{id: attributes["id"]}
	if key := attributes["partitionkey"]; key != "" {
		d.key = []byte(key)
	}
	d.time, _ = time.Parse(time.RFC3339Nano, attributes["time"]) // absent or wrong: unknown
	d.headers, d.problem = ceHeaders(attributes, prefix)
	return d
}

// ceHeaders makes the record headers, as CloudEvents' Kafka binding names them, in order of name.
func ceHeaders(attributes map[string]string, prefix string) ([]event.Header, *listen.Problem) {
	headers := make([]event.Header, 0, len(attributes))
	size := 0
	for name, value := range attributes {
		if !attributeName(name) || !printable(value) {
			return nil, malformed("cloudevent", prefix+"…", "an attribute's name is not lower-case letters and digits, or its value not printable ASCII")
		}
		if name == "datacontenttype" { // the header content-type says it
			continue
		}
		if size += len(name) + len(value); size > maxPassedBytes {
			return nil, malformed("cloudevent", prefix+"…", "the attributes are larger than 8KiB together")
		}
		headers = append(headers, event.Header{Name: "ce_" + name, Value: []byte(value)})
	}
	slices.SortFunc(headers, func(a, b event.Header) int { return strings.Compare(a.Name, b.Name) })
	return headers, nil
}

func attributeName(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// percent writes what is not printable ASCII as %XX, as the HTTP binding does.
func percent(s string) string {
	if printable(s) {
		return s
	}
	const hexDigits = "0123456789ABCDEF"
	var b []byte
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '%' {
			b = append(b, '%', hexDigits[c>>4], hexDigits[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

// structuredEvents are the drafts of one JSON array of structured CloudEvents.
func structuredEvents(body []byte, most int, _ *lease) (iter.Seq[draft], *listen.Problem) {
	src := json.NewDecoder(bytes.NewReader(body))
	if open, err := src.Token(); pointer.TooDeep(body, maxDepth) || err != nil || open != json.Delim('[') {
		return nil, malformed("not_json", "", "the body is not a JSON array of CloudEvents")
	}
	return func(yield func(draft) bool) {
		wrong := draft{problem: malformed("not_json", "", "the rest of the body is not a JSON array of CloudEvents")}
		for src.More() {
			var one json.RawMessage
			if src.Decode(&one) != nil {
				yield(wrong)
				return
			}
			if !yield(bounded(structuredEvent(nil, one), most)) {
				return
			}
		}
		if _, err := src.Token(); err != nil || src.More() {
			yield(wrong)
		}
	}, nil
}
