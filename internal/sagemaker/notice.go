package sagemaker

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode/utf8"
)

// notice is a notification of how an asynchronous request ended. It is a hint: of
// one that names no objects of ours only the id is used.
type notice struct {
	id              string
	failed          bool
	reason          string // why it failed
	output, failure place  // zero: not said
	contentType     string
	body            []byte        // the answer; nil: it has to be fetched
	took            time.Duration // by the service's own clock; 0: not said
}

// orphan is the object that a notification of an ended job is about.
func (n notice) orphan(j *job) place {
	if n.failed {
		return firstPlace(n.failure, j.failure)
	}
	return firstPlace(n.output, j.output)
}

func firstPlace(a, b place) place {
	if a != (place{}) {
		return a
	}
	return b
}

// result is a notification as the service writes it.
type result struct {
	EventName, EventTime, ReceivedTime string
	InvocationStatus, FailureReason    string
	InferenceID                        string `json:"inferenceId"`
	ResponseParameters                 struct {
		ContentType, OutputLocation, FailureLocation string
		Body                                         struct{ Content, Encoding string }
	}
}

var errNoResult = errors.New("no notification of a result")

// readNotice reads a message of the queue, in the envelope of SNS or without.
func readNotice(text string) (notice, error) {
	var envelope struct{ Type, Message string }
	if json.Unmarshal([]byte(text), &envelope) == nil && envelope.Type == "Notification" {
		text = envelope.Message
	}
	var r result
	if json.Unmarshal([]byte(text), &r) != nil || r.InferenceID == "" || r.InvocationStatus != "Completed" && r.InvocationStatus != "Failed" {
		return notice{}, errNoResult
	}
	n := notice{id: r.InferenceID, failed: r.InvocationStatus == "Failed", reason: r.FailureReason, contentType: r.ResponseParameters.ContentType}
	n.output, _ = placeOf(r.ResponseParameters.OutputLocation) // zero: our own is looked at
	n.failure, _ = placeOf(r.ResponseParameters.FailureLocation)
	n.took = between(r.ReceivedTime, r.EventTime)
	if !n.failed {
		n.body = contentOf(r.ResponseParameters.Body.Content, r.ResponseParameters.Body.Encoding)
	}
	return n, nil
}

// contentOf is an answer inside a notification. Bytes that were no text have been
// replaced on the way: those are fetched.
func contentOf(content, encoding string) []byte {
	switch strings.ToUpper(encoding) {
	case "BASE64":
		if raw, err := base64.StdEncoding.DecodeString(content); err == nil && len(raw) > 0 {
			return raw
		}
	case "UTF8", "UTF-8":
		if content != "" && !strings.ContainsRune(content, utf8.RuneError) {
			return []byte(content)
		}
	}
	return nil
}

func between(from, to string) time.Duration {
	a, err := time.Parse(time.RFC3339Nano, from)
	if err != nil {
		return 0
	}
	b, err := time.Parse(time.RFC3339Nano, to)
	if err != nil || b.Before(a) {
		return 0
	}
	return b.Sub(a)
}

var errNoPlace = errors.New("it is not s3://BUCKET/KEY")

// placeOf reads s3://BUCKET/KEY.
func placeOf(uri string) (place, error) {
	rest, is := strings.CutPrefix(uri, "s3://")
	bucket, key, _ := strings.Cut(rest, "/")
	if !is || bucket == "" {
		return place{}, errNoPlace
	}
	return place{bucket, key}, nil
}
