package feature

import (
	"fmt"
	"strings"

	"betimes/internal/pointer"
)

// Include copies parts of an event into its prediction:
// kafka.topics.predictions.include. It is safe for concurrent use.
type Include struct {
	pointers []pointer.Pointer
	names    []string
}

// NewInclude reads JSON pointers; what /a/b points at is included as a/b.
func NewInclude(pointers []string) (*Include, error) {
	i := &Include{}
	for n, text := range pointers {
		p, err := pointer.Parse(text)
		if err == nil && text == "" {
			err = fmt.Errorf("is empty; write for example /payment_id")
		}
		if err != nil {
			return nil, fmt.Errorf("kafka.topics.predictions.include.%d: %w", n, err)
		}
		i.pointers = append(i.pointers, p)
		i.names = append(i.names, strings.TrimPrefix(text, "/"))
	}
	return i, nil
}

// Of returns what the event has of the included parts: nil when there is
// nothing, or when the payload is not JSON.
func (i *Include) Of(in *Input) map[string]any {
	if len(i.pointers) == 0 || in.parse() != nil || in.doc == nil {
		return nil
	}
	found := make(map[string]any, len(i.pointers))
	for n, p := range i.pointers {
		v := p.In(in.doc)
		if v == nil {
			continue
		}
		if x, err := decode(v, i.names[n]); err == nil {
			found[i.names[n]] = x
		}
	}
	return found
}
