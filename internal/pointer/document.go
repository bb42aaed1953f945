package pointer

import (
	"bytes"

	"github.com/valyala/fastjson"
)

// Valid says whether value is one JSON document, as encoding/json does in half as much
// time again, that nests at most fastjson.MaxDepth deep.
func Valid(value []byte) bool {
	deep, control := scan(value, fastjson.MaxDepth)
	return !deep && !control && fastjson.ValidateBytes(value) == nil
}

// TooDeep says whether a document nests more than most deep, without recursion:
// before anything recurses.
func TooDeep(value []byte, most int) bool {
	deep, _ := scan(value, most)
	return deep
}

// scan counts brackets outside strings and looks for control characters inside, which
// fastjson does not where a string has escapes or is a name.
func scan(value []byte, most int) (deep, control bool) {
	depth := 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '"':
			end := stringEnd(value, i+1)
			control = control || hasControl(value[i+1:end])
			i = end
		case '{', '[':
			if depth++; depth > most {
				return true, control
			}
		case '}', ']':
			depth--
		}
	}
	return false, control
}

func hasControl(text []byte) bool {
	for _, c := range text {
		if c < ' ' {
			return true
		}
	}
	return false
}

// stringEnd returns where the string whose contents begin at i has its closing quote.
func stringEnd(value []byte, i int) int {
	for {
		n := bytes.IndexByte(value[i:], '"')
		if n < 0 {
			return len(value)
		}
		i += n
		back := 0
		for i-back-1 >= 0 && value[i-back-1] == '\\' {
			back++
		}
		if back%2 == 0 {
			return i
		}
		i++
	}
}
