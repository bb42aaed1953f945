package model

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Form is how events share a call, where a user names it.
type Form string

// The forms. FormAuto goes by the content type.
const (
	FormAuto      Form = "auto"
	FormNone      Form = "none" // events share no call
	FormInstances Form = "instances"
	FormLines     Form = "lines"
	FormCSV       Form = "csv"
	FormRecordIO  Form = "recordio"
)

// Forms are all of them, as a user writes them.
func Forms() []string {
	return []string{string(FormAuto), string(FormInstances), string(FormLines), string(FormCSV), string(FormRecordIO), string(FormNone)}
}

// Named says whether the form is used whatever the content type says.
func (f Form) Named() bool { return f != "" && f != FormAuto && f != FormNone }

// CodecOf returns the Codec of a form and a content type. A named form also takes
// content types that CodecFor does not know; it is refused where the content type
// says something else.
func CodecOf(f Form, contentType string) (Codec, error) {
	if !f.Named() {
		return CodecFor(contentType)
	}
	kind := kindOf(contentType)
	rows := f.rows(kind, decoder{contentType})
	if rows == nil {
		return nil, fmt.Errorf("requests of content type %q cannot be %s; write auto, or another content_type", contentType, f)
	}
	return formCodec{RowCodec: rows, form: f, texts: kind == kindText || kind == kindBytes}, nil
}

// rows is what makes and joins the bodies of a form, nil where the content type
// says that they are something else.
func (f Form) rows(k kind, d decoder) RowCodec {
	open := silent(k)
	switch f {
	case FormInstances:
		if open || k == kindJSON {
			return instancesCodec{jsonCodec{d}}
		}
	case FormCSV:
		if open || k == kindCSV {
			return csvCodec{d}
		}
	case FormRecordIO:
		if open || k == kindRecord {
			return recordCodec{d}
		}
	case FormLines:
		switch {
		case k == kindCSV:
			return csvCodec{d}
		case k == kindSVM:
			return svmCodec{d}
		case k != kindRecord:
			return linesCodec{d}
		}
	}
	return nil
}

// formCodec makes and joins bodies in one form. Answers are read by their own
// content type where it says what they are, else in the form.
type formCodec struct {
	RowCodec
	form  Form
	texts bool // requests are texts too, which are lines as they are
}

// Encode takes texts where the content type is one of texts.
func (c formCodec) Encode(value any) ([]byte, error) {
	if text, is := value.(string); is && c.texts && (c.form == FormCSV || c.form == FormLines) {
		return []byte(text), nil
	}
	return c.RowCodec.Encode(value)
}

// Split parts lines also where the answer says that it is JSON.
func (c formCodec) Split(body []byte, contentType string, n int) ([][]byte, error) {
	k := kindOf(contentType)
	ofLines := c.form == FormLines && k == kindJSON && !json.Valid(body)
	if n <= 1 || !ofLines && !silent(k) {
		return split(body, contentType, n)
	}
	switch c.form {
	case FormInstances:
		return splitList(body, n)
	case FormCSV:
		return splitText(body, n)
	case FormRecordIO:
		return splitFrames(body, n)
	}
	return splitLines(body, n)
}

// Decode takes what is JSON, csv or a record for that.
func (c formCodec) Decode(body []byte, contentType string) (json.RawMessage, error) {
	trimmed := bytes.TrimSpace(body)
	if !silent(kindOf(contentType)) || len(trimmed) == 0 || isPage(contentType) {
		return decode(body, contentType)
	}
	switch {
	case c.form == FormRecordIO:
		return decodeFrames(body)
	case json.Valid(trimmed):
		return trimmed, nil
	case c.form == FormCSV:
		return decodeCSV(trimmed)
	}
	return decode(body, contentType)
}

// Wrapper is a Codec that puts a JSON value as it is into its own form.
type Wrapper interface {
	Wrap(value []byte) []byte
}

// Wrap makes an instance of a JSON value where that is the form.
func (c formCodec) Wrap(value []byte) []byte {
	if w, wraps := c.RowCodec.(Wrapper); wraps {
		return w.Wrap(value)
	}
	return value
}

// silent says that a content type does not say in which form a body is.
func silent(k kind) bool { return k == kindUnknown || k == kindText || k == kindBytes }

// instancesCodec sends {"instances":[…]}. A value that is not of this form is one
// instance.
type instancesCodec struct{ jsonCodec }

// Encode makes an instance of any value.
func (c instancesCodec) Encode(value any) ([]byte, error) {
	body, err := c.jsonCodec.Encode(value)
	if err != nil {
		return nil, err
	}
	if object, is := value.(map[string]any); is {
		if _, has := object["instances"]; has {
			return body, nil
		}
	}
	return instance(body), nil
}

// Wrap makes an instance of a JSON value that is not of this form.
func (instancesCodec) Wrap(value []byte) []byte {
	if bytes.Contains(value, []byte(`"instances"`)) {
		var object map[string]json.RawMessage
		if json.Unmarshal(value, &object) == nil && object["instances"] != nil {
			return value
		}
	}
	return instance(value)
}

func instance(value []byte) []byte {
	const before, after = `{"instances":[`, "]}"
	out := make([]byte, 0, len(before)+len(value)+len(after))
	return append(append(append(out, before...), value...), after...)
}

// Joinable: an object whose only member is instances, a list of length one.
func (instancesCodec) Joinable(body []byte) bool {
	l, ok := findList(body)
	return ok && l.sole && len(l.elements) == 1 && bytes.Contains(l.head, []byte(`"instances"`))
}
