package feature

import (
	"betimes/internal/pointer"

	"github.com/valyala/fastjson"
)

// At returns what p points at in a JSON payload, nil when there is nothing or
// the payload is not JSON. It is valid until Close.
func (in *Input) At(p pointer.Pointer) *fastjson.Value {
	if in.reader.format.Value != ValueJSON || in.parse() != nil {
		return nil
	}
	return p.In(in.doc)
}
