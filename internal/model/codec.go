package model

import "encoding/json"

// Codec turns request values into bodies and bodies into answers, for one
// content type. It is safe for concurrent use.
type Codec interface {
	// ContentType is what the request is sent as.
	ContentType() string
	// Encode makes the body of one event from its request value: for csv and
	// libsvm a list of numbers, for JSON any value, for text and bytes a string.
	Encode(value any) ([]byte, error)
	// Joinable says whether bodies of this kind can share one call.
	Joinable(body []byte) bool
	// Join makes one body of the items' bodies, in order. A single item is sent as it is.
	Join(items []Item) []byte
	// Split parts the body of an answer, of the given content type, into n
	// answers in order; an error when there are not exactly n. n = 1 returns the body.
	Split(body []byte, contentType string, n int) ([][]byte, error)
	// Decode makes JSON of one answer's body, for the prediction: a JSON body as
	// it is, a csv line a number or a list, other text a string.
	Decode(body []byte, contentType string) (json.RawMessage, error)
}
