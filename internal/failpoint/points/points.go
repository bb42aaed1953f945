// Package points lists the failpoints of a source tree, from the calls themselves.
//
// Upstream: the test that keeps docs/failpoints.md, campaigns that kill at each.
// Downstream: the Go files below internal/ and cmd/.
//
// Invariants: a call whose name is no literal, a name that is used twice and a
// point without a reason beside it are errors.
package points

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Point is one call.
type Point struct {
	Name string
	File string // below the root, with slashes
	Why  string // between which steps: the comment in its line
}

// List finds every point below root, by name.
func List(root string) ([]Point, error) {
	l := lister{root: root, places: map[string]string{}}
	for _, top := range []string{"internal", "cmd"} {
		if err := filepath.WalkDir(filepath.Join(root, top), l.visit); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(l.points, func(a, b Point) int { return strings.Compare(a.Name, b.Name) })
	return l.points, nil
}

type lister struct {
	root   string
	points []Point
	places map[string]string // where a name was seen
}

func (l *lister) visit(path string, d fs.DirEntry, err error) error {
	if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
		return err
	}
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, path, nil, parser.ParseComments)
	if err != nil {
		return err
	}
	comments := map[int]string{} // by line
	for _, group := range f.Comments {
		comments[files.Position(group.Pos()).Line] = strings.TrimSpace(group.Text())
	}
	for n := range ast.Preorder(f) {
		call, ok := n.(*ast.CallExpr)
		if !ok || !isPoint(call) {
			continue
		}
		if err := l.add(path, call, comments[files.Position(call.Pos()).Line]); err != nil {
			return fmt.Errorf("%s: %w", files.Position(call.Pos()), err)
		}
	}
	return nil
}

// isPoint says whether a call is failpoint.Reach or failpoint.Fail.
func isPoint(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != "Reach" && f.Sel.Name != "Fail" {
		return false
	}
	from, ok := f.X.(*ast.Ident)
	return ok && from.Name == "failpoint"
}

func (l *lister) add(path string, call *ast.CallExpr, why string) error {
	literal, ok := call.Args[0].(*ast.BasicLit)
	if !ok {
		return fmt.Errorf("the name of a failpoint must be a literal")
	}
	name, err := strconv.Unquote(literal.Value)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(l.root, path)
	if err != nil {
		return err
	}
	place := filepath.ToSlash(rel)
	if before, known := l.places[name]; known {
		return fmt.Errorf("failpoint %s is in %s already; give it another name", name, before)
	}
	if why == "" {
		return fmt.Errorf("failpoint %s has no comment in its line; say between which steps it is", name)
	}
	l.places[name] = place
	l.points = append(l.points, Point{Name: name, File: place, Why: why})
	return nil
}
