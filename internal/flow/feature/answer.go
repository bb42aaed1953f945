package feature

import (
	"encoding/json"
	"fmt"

	"betimes/internal/event"

	"github.com/valyala/fastjson"
)

// notSayable is the error of a value that has no JSON.
const notSayable = "the expression gives what JSON cannot hold: NaN, an infinite number or keys that are not text"

// Response turns a model's answer into the prediction: models.X.response. It
// is safe for concurrent use.
type Response struct {
	x *Expression
}

// NewResponse compiles the expression of the model of that name.
func NewResponse(model, src string) (*Response, error) {
	where := "models." + model + ".response"
	x, err := CompileOver(OverAnswer, src, Any)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	return &Response{x.named(where)}, nil
}

// Prediction evaluates over an answer, as model.Codec decodes it, and the
// event it answers. The error is an *Error with reason bad_model_output.
func (r *Response) Prediction(in *Input, answer json.RawMessage) (json.RawMessage, error) {
	env, absent, err := r.x.overAnswer(in, answer)
	if err != nil {
		return nil, r.bad(err)
	}
	v, err := r.x.run(in, env)
	if err != nil {
		return nil, r.bad(err)
	}
	if v == nil && absent != "" {
		return nil, r.bad(unmapped(r.x.where, "the model's answer has no "+absent+"; write ("+absent+" ?? 0) to do without"))
	}
	prediction, err := json.Marshal(v)
	if err != nil {
		return nil, r.bad(unmapped(r.x.where, notSayable))
	}
	return prediction, nil
}

func (r *Response) bad(err error) error {
	return &Error{Reason: event.ReasonBadModelOutput, Err: err}
}

// overAnswer gives the names that x uses: fields are the answer's. absent is
// one that the answer does not have.
func (x *Expression) overAnswer(in *Input, answer json.RawMessage) (env map[string]any, absent string, err error) {
	var p fastjson.Parser
	doc, err := p.ParseBytes(answer)
	if err != nil { // err quotes the answer
		return nil, "", unmapped(x.where, "the answer is not JSON")
	}
	env = make(map[string]any, len(x.names)+1)
	for _, name := range x.names {
		v, failed := in.answered(doc, name)
		if failed != nil {
			return nil, "", failed
		}
		env[name] = v
		if v == nil && !special(name) && !doc.Exists(name) {
			absent = name
		}
	}
	return env, absent, nil
}

// answered returns what an expression over an answer knows under name.
func (in *Input) answered(doc *fastjson.Value, name string) (any, *Error) {
	switch {
	case name == nameAnswer:
		return decode(doc, name)
	case special(name):
		return in.name(name)
	}
	return decode(doc.Get(name), name)
}

// special says whether name is something else than a field.
func special(name string) bool {
	switch name {
	case nameAnswer, nameKey, nameHeaders, nameEventTime, nameNow, namePayload:
		return true
	}
	return false
}
