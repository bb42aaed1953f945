package feature

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr/file"
)

// typed are the beginnings of expr's messages that hold types and no values.
// Anything else may quote the payload and is not passed on.
func typed(message string) bool {
	switch {
	case strings.HasPrefix(message, "invalid operation: "):
		return !strings.Contains(message, "(") // int(…) and float(…) quote
	case strings.HasPrefix(message, "invalid argument for "):
		return strings.Contains(message, "(type ")
	}
	return strings.HasPrefix(message, `operator "in" not defined on `) ||
		message == "runtime error: integer divide by zero"
}

// runError says where an evaluation failed, why as far as types tell, and what
// to do; it holds no value of the payload.
func runError(err error) string {
	f, ok := errors.AsType[*file.Error](err)
	if !ok {
		return "the expression failed"
	}
	text := fmt.Sprintf("the expression failed at %d:%d", f.Line, f.Column+1)
	switch {
	case errors.Is(err, errSteps):
		return text + ": " + errSteps.Error()
	case strings.HasPrefix(f.Message, "memory budget exceeded"):
		return text + ": it makes more than 1000000 elements; shorten the lists it makes"
	case strings.HasPrefix(f.Message, "cannot fetch") && strings.HasSuffix(f.Message, "from <nil>"):
		return text + ": a field is absent or null there; write field?.part"
	case strings.HasPrefix(f.Message, "index out of range"):
		return text + ": the list is shorter than that; ask len(list) before"
	case strings.HasPrefix(f.Message, "invalid operation: bool("): // of a type
		return text + ": it gives neither true nor false; compare with something"
	case strings.HasPrefix(f.Message, conversion):
		return text + ": " + converted(strings.TrimPrefix(f.Message, conversion))
	case typed(f.Message):
		text += ": " + f.Message
	}
	if strings.Contains(f.Message, "nil") {
		return text + "; a field is absent or null there: write (field ?? 0)"
	}
	return text + "; check that its fields are there and of the kind it needs"
}

// conversion begins what is said of a value of another kind than a function takes.
const conversion = "interface conversion: interface {} is "

// converted says it in the words of JSON: "nil, not string".
func converted(kinds string) string {
	is, needed, _ := strings.Cut(kinds, ", not ")
	switch {
	case is == "nil" && needed == "string":
		return `a field is absent or null there, and text is needed: write (field ?? "")`
	case is == "nil":
		return "a field is absent or null there: write (field ?? 0)"
	}
	return kind(is) + " is there, and " + kind(needed) + " is needed; mend the field, or write string(field), int(field) or float(field)"
}

func kind(of string) string {
	switch {
	case of == "string":
		return "text"
	case of == "bool":
		return "true or false"
	case strings.HasPrefix(of, "int"), strings.HasPrefix(of, "float"):
		return "a number"
	case strings.HasPrefix(of, "[]"):
		return "a list"
	case strings.HasPrefix(of, "map["):
		return "an object"
	}
	return "a value of type " + of
}
