package feature

import (
	"fmt"
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/vm"
)

// namesIn collects the names that an expression uses.
type namesIn struct {
	names []string
	calls []string
}

// Visit notes a name or the name of a function.
func (n *namesIn) Visit(node *ast.Node) {
	switch x := (*node).(type) {
	case *ast.IdentifierNode:
		if !slices.Contains(n.names, x.Value) {
			n.names = append(n.names, x.Value)
		}
	case *ast.CallNode:
		if id, ok := x.Callee.(*ast.IdentifierNode); ok {
			n.calls = append(n.calls, id.Value)
		}
	}
}

// namesOf returns what an evaluation may ask the scope for, and refuses what
// expr takes but no event can answer: unknown functions and $env.
func namesOf(program *vm.Program, scope Scope) ([]string, error) {
	var found namesIn
	root := program.Node()
	ast.Walk(&root, &found)
	for _, name := range found.calls {
		if name != nameSteps && !slices.Contains(builtin.Names, name) {
			return nil, fmt.Errorf("expression calls %s, which is no function; see the list of expr's functions", name)
		}
	}
	if slices.Contains(found.names, "$env") {
		return nil, fmt.Errorf("expression uses $env; write payload for the whole event")
	}
	return slices.DeleteFunc(found.names, func(name string) bool {
		return name == nameSteps || slices.Contains(builtin.Names, name) && !scope.knows(name)
	}), nil
}
