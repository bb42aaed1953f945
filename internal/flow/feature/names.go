package feature

import (
	"errors"
	"fmt"
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
)

// namesIn is the visitor that collects the names of an expression before expr
// rearranges it. A name stands there once more per use.
type namesIn struct {
	names []string
	calls []string // names of functions that are not expr's own
}

// Visit notes a name, or takes it back when it turns out to be called.
func (n *namesIn) Visit(node *ast.Node) {
	switch x := (*node).(type) {
	case *ast.IdentifierNode:
		n.names = append(n.names, x.Value)
	case *ast.CallNode:
		if id, ok := x.Callee.(*ast.IdentifierNode); ok {
			n.calls = append(n.calls, id.Value)
			n.drop(id.Value)
		}
	}
}

func (n *namesIn) drop(name string) {
	for i, one := range slices.Backward(n.names) {
		if one == name {
			n.names = slices.Delete(n.names, i, i+1)
			return
		}
	}
}

// asked returns what an evaluation may ask the scope for, and refuses what expr
// takes but no event can answer: unknown functions, $env and fields that are
// hidden by a function of the same name.
func (n *namesIn) asked(scope Scope) ([]string, error) {
	for _, name := range n.calls {
		if name != nameSteps && !slices.Contains(builtin.Names, name) {
			return nil, fmt.Errorf("%s is no function of the expression language", name)
		}
	}
	known := scope.types()
	slices.Sort(n.names)
	n.names = slices.Compact(n.names)
	for _, name := range n.names {
		_, listed := known[name]
		switch {
		case name == "$env":
			return nil, errors.New("$env is not known; write payload for the whole event")
		case !listed && slices.Contains(builtin.Names, name):
			return nil, fmt.Errorf("%s is a function; write payload.%s for a field of that name", name, name)
		}
	}
	return n.names, nil
}
