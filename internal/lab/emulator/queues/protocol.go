package queues

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"betimes/internal/lab/emulator/form"
	"betimes/internal/lab/emulator/reply"
)

// protocol is one of the two ways to speak to SQS.
type protocol interface {
	// read gives the operation and its members as JSON.
	read(r *http.Request) (string, []byte, error)
	answer(w http.ResponseWriter, operation string, a any) error
	refuse(w http.ResponseWriter, e *reply.Error)
}

// TargetPrefix is before the operations in X-Amz-Target.
const TargetPrefix = "AmazonSQS."

func protocolOf(r *http.Request) protocol {
	if r.Header.Get("X-Amz-Target") != "" {
		return text{}
	}
	return query{}
}

// Refuse answers with an error that came up before the request was looked at.
func Refuse(w http.ResponseWriter, r *http.Request, e *reply.Error) { protocolOf(r).refuse(w, e) }

// text is awsJson1.0.
type text struct{}

func (text) read(r *http.Request) (string, []byte, error) {
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), TargetPrefix)
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBytes+1))
	switch {
	case err != nil:
		return name, nil, malformed(err)
	case len(body) > maxRequestBytes:
		return name, nil, malformed(fmt.Errorf("the request is larger than %d bytes", maxRequestBytes))
	case len(bytes.TrimSpace(body)) == 0:
		return name, []byte("{}"), nil
	}
	return name, body, nil
}

// maxRequestBytes is more than a batch of 1 MiB with its quotes.
const maxRequestBytes = 4 << 20

const jsonType = "application/x-amz-json-1.0"

func (text) answer(w http.ResponseWriter, _ string, a any) error {
	if a == nil {
		a = struct{}{}
	}
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", jsonType)
	_, err = w.Write(body)
	return err
}

func (text) refuse(w http.ResponseWriter, e *reply.Error) {
	body, _ := json.Marshal(map[string]string{"__type": "com.amazonaws.sqs#" + e.Type, "message": e.Text}) // texts always marshal
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("X-Amzn-Query-Error", queryCode(e.Type)+";Sender")
	w.WriteHeader(e.Status)
	_, _ = w.Write(body) // the caller may have gone
}

// queryCodes are the names of the older protocol, where they differ.
var queryCodes = map[string]string{
	"QueueDoesNotExist":            "AWS.SimpleQueueService.NonExistentQueue",
	"QueueNameExists":              "QueueAlreadyExists",
	"EmptyBatchRequest":            "AWS.SimpleQueueService.EmptyBatchRequest",
	"TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
	"BatchEntryIdsNotDistinct":     "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
	"UnsupportedOperation":         "AWS.SimpleQueueService.UnsupportedOperation",
	"UnknownOperationException":    "InvalidAction",
}

func queryCode(kind string) string {
	if code, ok := queryCodes[kind]; ok {
		return code
	}
	return kind
}

func malformed(err error) *reply.Error { return refuse("SerializationException", "%s", err.Error()) }

// decode reads a request.
func decode(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return malformed(err)
	}
	return nil
}

// query is the Query protocol of 2012-11-05, whose lists are flat.
type query struct{}

const xmlSpace = "http://queue.amazonaws.com/doc/" + Version + "/"

// Version is how forms of SQS say that they are.
const Version = "2012-11-05"

func (query) read(r *http.Request) (string, []byte, error) {
	f, err := form.Read(r)
	if err != nil {
		return "", nil, err
	}
	if f["QueueUrl"] == "" {
		f["QueueUrl"] = r.URL.Path // older clients post to the queue itself
	}
	body, err := json.Marshal(members(f))
	return f["Action"], body, err
}

func (query) answer(w http.ResponseWriter, operation string, a any) error {
	return form.Answer(w, xmlSpace, operation, a)
}

func (query) refuse(w http.ResponseWriter, e *reply.Error) {
	known := *e
	known.Type = queryCode(e.Type)
	form.Refuse(w, xmlSpace, &known)
}

// members makes of a form what the JSON protocol says of the same request.
func members(f form.Form) map[string]any {
	m := map[string]any{}
	for name, v := range f {
		if !strings.Contains(name, ".") {
			m[name] = v
		}
	}
	delete(m, "Action")
	delete(m, "Version")
	put(m, "AttributeNames", f.List("AttributeName"))
	put(m, "MessageSystemAttributeNames", f.List("MessageSystemAttributeName"))
	put(m, "MessageAttributeNames", f.List("MessageAttributeName"))
	if a := f.Pairs("Attribute", "Name", "Value"); a != nil {
		m["Attributes"] = a
	}
	if a := messageAttributes(f); a != nil {
		m["MessageAttributes"] = a
	}
	for _, batch := range []string{"SendMessageBatch", "DeleteMessageBatch"} {
		if parts := f.Parts(batch + "RequestEntry"); parts != nil {
			entries := make([]any, len(parts))
			for i, p := range parts {
				entries[i] = members(p)
			}
			m["Entries"] = entries
		}
	}
	return m
}

func put(m map[string]any, name string, list []string) {
	if list != nil {
		m[name] = list
	}
}

// messageAttributes reads MessageAttribute.1.Name, .Value.DataType, .Value.StringValue, .Value.BinaryValue.
func messageAttributes(f form.Form) map[string]any {
	parts := f.Parts("MessageAttribute")
	if parts == nil {
		return nil
	}
	all := map[string]any{}
	for _, p := range parts {
		a := map[string]string{"DataType": p["Value.DataType"]}
		for _, kind := range []string{"StringValue", "BinaryValue"} {
			if v, ok := p["Value."+kind]; ok {
				a[kind] = v
			}
		}
		all[p["Name"]] = a
	}
	return all
}
