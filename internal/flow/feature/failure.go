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
		strings.HasPrefix(message, "interface conversion: interface {} is ") ||
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
	case typed(f.Message):
		text += ": " + f.Message
	}
	if strings.Contains(f.Message, "nil") {
		return text + "; a field is absent or null there: write (field ?? 0)"
	}
	return text + "; check that its fields are there and of the kind it needs"
}
