package feature

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"betimes/internal/event"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// Kind is what an expression must give.
type Kind uint8

// The kinds. Text is a string, or a number or truth value written as one.
const (
	Any Kind = iota
	Bool
	Text
)

// Bounds of an expression's own size.
const (
	maxNodes  = 2000
	maxSource = 16 << 10 // bytes
)

// Expression is a compiled expression. It is safe for concurrent use.
type Expression struct {
	where   string // configuration key, for errors; may be empty
	program *vm.Program
	names   []string // of all that the evaluation may ask for
	free    sync.Pool
}

// Compile reads an expression over events.
func Compile(src string, as Kind) (*Expression, error) {
	return CompileOver(OverEvent, src, as)
}

// CompileOver reads an expression whose names are those of a scope. An error
// says at which line and column.
func CompileOver(scope Scope, src string, as Kind) (*Expression, error) {
	if strings.TrimSpace(src) == "" {
		return nil, errors.New("the expression is empty; write for example amount > 100")
	}
	if len(src) > maxSource {
		return nil, fmt.Errorf("the expression has %d bytes, more than %d; make it shorter", len(src), maxSource)
	}
	var found namesIn
	options := []expr.Option{
		expr.Env(scope.types()), expr.DisableBuiltin("now"), expr.MaxNodes(maxNodes), expr.Patch(countSteps{}), expr.Patch(&found),
	}
	if scope.open() {
		options = append(options, expr.AllowUndefinedVariables())
	}
	if as == Bool {
		options = append(options, expr.AsKind(reflect.Bool))
	}
	program, err := compile(src, options)
	if err != nil {
		return nil, compileError(src, err)
	}
	names, err := found.asked(scope)
	if err != nil {
		return nil, fmt.Errorf("expression %q: %w", src, err)
	}
	return &Expression{program: program, names: names}, nil
}

// compile turns a panic of the compiler into an error: it is handed whatever a
// file holds.
func compile(src string, options []expr.Option) (program *vm.Program, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be compiled: %v", p)
		}
	}()
	return expr.Compile(src, options...)
}

// named sets the configuration key that errors name.
func (x *Expression) named(where string) *Expression {
	x.where = where
	return x
}

// Fields are the fields of an event that an evaluation may ask for.
func (x *Expression) Fields() []string {
	known := OverEvent.types()
	return slices.DeleteFunc(slices.Clone(x.names), func(name string) bool {
		_, is := known[name]
		return is
	})
}

// Eval gives the value over an event. The value does not share memory with in.
func (x *Expression) Eval(in *Input) (any, error) {
	for _, name := range x.names {
		if _, known := in.env[name]; known {
			continue
		}
		v, err := in.name(name)
		if err != nil {
			return nil, err
		}
		in.env[name] = v
	}
	return x.run(in, in.env)
}

// run evaluates with all names in env.
func (x *Expression) run(in *Input, env map[string]any) (any, error) {
	machine, _ := x.free.Get().(*vm.VM)
	if machine == nil {
		machine = &vm.VM{}
	}
	in.steps = 0
	env[nameSteps] = in.step
	v, err := machine.Run(x.program, env)
	if err != nil {
		return nil, &Error{Reason: event.ReasonFeature, Field: x.where, Text: runError(err)}
	}
	x.free.Put(machine)
	return v, nil
}

// Bool gives the truth value over an event.
func (x *Expression) Bool(in *Input) (bool, error) {
	v, err := x.Eval(in)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, unmapped(x.where, fmt.Sprintf("the expression gives %s, not true or false; compare with something", kindOf(v)))
	}
	return b, nil
}

// String gives the text over an event; nil is an empty text.
func (x *Expression) String(in *Input) (string, error) {
	v, err := x.Eval(in)
	if err != nil {
		return "", err
	}
	return x.text(v)
}

func (x *Expression) text(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case fmt.Stringer:
		return v.String(), nil
	}
	return "", unmapped(x.where, fmt.Sprintf("the expression gives %s, not text; use string(…) or toJSON(…)", kindOf(v)))
}

// compileError gives at LINE:COLUMN: what is wrong, on one line.
func compileError(src string, err error) error {
	f, ok := errors.AsType[*file.Error](err)
	if !ok {
		return fmt.Errorf("expression %q: %w", src, err)
	}
	return fmt.Errorf("expression %q at %d:%d: %s", src, f.Line, f.Column+1, f.Message)
}

// kindOf names the kind of a value, not the value.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nil"
	case bool:
		return "true or false"
	case string:
		return "text"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case int, float64:
		return "a number"
	}
	return fmt.Sprintf("a %T", v)
}
