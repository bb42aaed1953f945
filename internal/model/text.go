package model

import "fmt"

// textCodec sends a text or bytes as they are; one event per call.
type textCodec struct{ decoder }

// Encode takes a text or bytes.
func (textCodec) Encode(value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		return []byte(v), nil
	case []byte:
		return v, nil
	}
	return nil, fmt.Errorf("the request is %s, not a text; write for example string(amount)", kindName(value))
}

// Joinable: never, where one text ends and the next begins is not known.
func (textCodec) Joinable([]byte) bool { return false }

// Join returns the first body: texts are never joined.
func (textCodec) Join(items []Item) []byte {
	if len(items) == 0 {
		return nil
	}
	return items[0].Body
}
