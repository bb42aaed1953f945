package feature

import "github.com/valyala/fastjson"

// decode copies a parsed value out: its memory does not end with the Input.
// field names it in errors.
func decode(v *fastjson.Value, field string) (any, *Error) {
	if v == nil {
		return nil, nil
	}
	switch v.Type() {
	case fastjson.TypeString:
		s, _ := v.StringBytes()
		return string(s), nil
	case fastjson.TypeNumber:
		return decodeNumber(v, field)
	case fastjson.TypeTrue:
		return true, nil
	case fastjson.TypeFalse:
		return false, nil
	case fastjson.TypeObject:
		return decodeObject(v, field)
	case fastjson.TypeArray:
		return decodeList(v, field)
	}
	return nil, nil
}

func decodeNumber(v *fastjson.Value, field string) (any, *Error) {
	var scratch [32]byte
	x, f := value(v.MarshalTo(scratch[:0]))
	switch f {
	case faultNone:
		return x, nil
	case faultGrammar:
		return nil, undecodable(field, string(f))
	}
	return nil, unmapped(field, string(f))
}

// decodeObject keeps the first of equal names, as a lookup by name does.
func decodeObject(v *fastjson.Value, field string) (any, *Error) {
	o, _ := v.Object()
	all := make(map[string]any, o.Len())
	var failed *Error
	o.Visit(func(name []byte, v *fastjson.Value) {
		if _, twice := all[string(name)]; twice || failed != nil {
			return
		}
		x, err := decode(v, field)
		if err != nil {
			failed = err
			return
		}
		all[string(name)] = x
	})
	if failed != nil {
		return nil, failed
	}
	return all, nil
}

func decodeList(v *fastjson.Value, field string) (any, *Error) {
	list, _ := v.Array()
	all := make([]any, len(list))
	for i := range list {
		x, err := decode(list[i], field)
		if err != nil {
			return nil, err
		}
		all[i] = x
	}
	return all, nil
}

// decodeText copies JSON out of its text.
func decodeText(text []byte, field string) (any, *Error) {
	var p fastjson.Parser
	v, err := p.ParseBytes(text)
	if err != nil { // err quotes the text
		return nil, undecodable(field, "is not JSON")
	}
	return decode(v, field)
}
