package feature

import (
	"errors"

	"github.com/expr-lang/expr/ast"
)

// maxSteps bounds how often the closures of one evaluation (of map, filter,
// all, …) run, so that a long list in a payload cannot hold a worker. Memory
// is bounded by expr itself, to as many elements.
const maxSteps = 1_000_000

var errSteps = errors.New("more than 1000000 steps; shorten the lists it walks through")

// steps counts the closures that one evaluation ran.
type steps int

// step is called by every closure; the panic is caught by expr's machine.
func (s *steps) step() bool {
	*s++
	if *s > maxSteps {
		panic(errSteps)
	}
	return true
}

// countSteps is the visitor that makes every closure count its runs: its body
// b becomes betimes_step() ? b : nil.
type countSteps struct{}

// Visit changes one closure.
func (countSteps) Visit(node *ast.Node) {
	p, ok := (*node).(*ast.PredicateNode)
	if !ok {
		return
	}
	if c, done := p.Node.(*ast.ConditionalNode); done && isStep(c.Cond) {
		return
	}
	p.Node = &ast.ConditionalNode{
		Ternary: true,
		Cond:    &ast.CallNode{Callee: &ast.IdentifierNode{Value: nameSteps}},
		Exp1:    p.Node,
		Exp2:    &ast.NilNode{},
	}
}

func isStep(n ast.Node) bool {
	call, ok := n.(*ast.CallNode)
	if !ok {
		return false
	}
	id, ok := call.Callee.(*ast.IdentifierNode)
	return ok && id.Value == nameSteps
}
