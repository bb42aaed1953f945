package house

import (
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"betimes/internal/failpoint/points"
)

var update = flag.Bool("update", false, "write the generated pages anew")

const root = "../.."

// parsed is one package as it lies in the tree.
type parsed struct {
	path    string // below the module, with slashes
	name    string
	doc     string
	imports map[string]string // import path → file that has it; tests left out
	renamed []string          // own imports under another name
	inits   []string          // files with an init function
}

func tree(t *testing.T) []parsed {
	t.Helper()
	var out []parsed
	for _, top := range []string{"internal", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(dir string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			if d.Name() == "testdata" {
				return filepath.SkipDir
			}
			if p, ok := parseDir(t, dir); ok {
				out = append(out, p)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func parseDir(t *testing.T, dir string) (parsed, bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	rel, err := filepath.Rel(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	p := parsed{path: filepath.ToSlash(rel), imports: map[string]string{}}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		p.add(file, f)
	}
	return p, p.name != ""
}

func (p *parsed) add(file string, f *ast.File) {
	p.name = f.Name.Name
	if f.Doc != nil {
		p.doc = f.Doc.Text()
	}
	for _, spec := range f.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		p.imports[path] = file
		if spec.Name != nil && strings.HasPrefix(path, "betimes/") {
			p.renamed = append(p.renamed, file+": "+spec.Name.Name+" "+path)
		}
	}
	for _, decl := range f.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Name.Name == "init" && fn.Recv == nil {
			p.inits = append(p.inits, file)
		}
	}
}

func TestImportsGoDownTheFloors(t *testing.T) {
	for _, p := range tree(t) {
		room := roomOf(p.path)
		if room == "" {
			t.Errorf("%s: no floor is written down for it; add it to floors.go", p.path)
			continue
		}
		for path, file := range p.imports {
			own, ok := strings.CutPrefix(path, "betimes/")
			if !ok {
				continue
			}
			if why := forbidden(room, roomOf(own)); why != "" {
				t.Errorf("%s imports %s: %s", file, path, why)
			}
		}
	}
}

// forbidden tells why room may not import other, or "".
func forbidden(room, other string) string {
	from, to := floorOf(room), floorOf(other)
	switch {
	case room == other || to < from && other != "house":
		return ""
	case slices.Contains(stairs[room], other):
		return ""
	case to == from:
		return "a neighbour on the same floor"
	}
	return "that is up the stairs"
}

func TestWordsUseTheStandardLibraryOnly(t *testing.T) {
	for _, p := range tree(t) {
		room := roomOf(p.path)
		if floorOf(room) != Words || room == "pointer" || room == "series" || strings.HasSuffix(p.name, "test") {
			continue
		}
		for path, file := range p.imports {
			if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
				t.Errorf("%s imports %s", file, path)
			}
		}
	}
}

func TestVendorLibrariesStayBehindTheirDoor(t *testing.T) {
	for _, p := range tree(t) {
		for path, file := range p.imports {
			for vendor, users := range vendors {
				if (path == vendor || strings.HasPrefix(path, vendor+"/")) && !slices.Contains(users, roomOf(p.path)) {
					t.Errorf("%s imports %s, which only %v may", file, path, users)
				}
			}
		}
	}
}

func TestEveryPackageHasACommentAUniqueNameAndNoInit(t *testing.T) {
	names := map[string]string{}
	for _, p := range tree(t) {
		if p.doc == "" {
			t.Errorf("%s: no package comment", p.path)
		}
		if other, ok := names[p.name]; ok && p.name != "main" {
			t.Errorf("%s and %s are both called %s", p.path, other, p.name)
		}
		names[p.name] = p.path
		for _, r := range p.renamed {
			t.Errorf("renamed own import: %s", r)
		}
		for _, file := range p.inits {
			t.Errorf("%s: init function", file)
		}
	}
}

func TestTheMapEqualsTheTree(t *testing.T) {
	var b strings.Builder
	b.WriteString("# The map\n\nEvery package, its floor and what it is for. A test keeps this page equal to the tree (`go test ./internal/house -update`).\n\n| package | floor | what it is |\n|---|---|---|\n")
	floors := []string{"words", "doors", "rooms", "hands", "front desk", "front desk", "command"}
	packages := tree(t)
	slices.SortStableFunc(packages, func(a, b parsed) int { return int(floorOf(roomOf(a.path))) - int(floorOf(roomOf(b.path))) })
	for _, p := range packages {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.path, floors[floorOf(roomOf(p.path))], new(doc.Package).Synopsis(p.doc))
	}
	generated(t, "map.md", b.String())
}

func TestEveryFailpointIsListed(t *testing.T) {
	all, err := points.List(root)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# Failpoints\n\nWhere a process built with `-tags failpoints` can be killed between two steps, as `internal/failpoint` describes. A test keeps this page equal to the code (`go test ./internal/house -update`).\n\n| failpoint | between which steps | in |\n|---|---|---|\n")
	for _, p := range all {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", p.Name, p.Why, p.File)
	}
	generated(t, "failpoints.md", b.String())
}

// generated compares a page of docs with what it is made of.
func generated(t *testing.T, name, want string) {
	t.Helper()
	file := filepath.Join(root, "docs", name)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil || string(have) != want {
		t.Errorf("docs/%s does not equal the tree; run: go test ./internal/house -update", name)
	}
}
