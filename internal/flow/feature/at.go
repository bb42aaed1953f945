package feature

import (
	"betimes/internal/pointer"

	"github.com/valyala/fastjson"
)

// At returns what p points at in a JSON or Avro payload, nil when there is nothing or
// the payload is neither. It is valid until Close.
func (in *Input) At(p pointer.Pointer) *fastjson.Value {
	if !in.reader.format.isJSON() || in.parse() != nil {
		return nil
	}
	return p.In(in.doc)
}
