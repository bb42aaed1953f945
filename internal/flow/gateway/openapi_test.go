package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// document is openapi.json as tests ask it.
type document struct {
	root  map[string]any
	paths map[string]any
}

var readDocument = sync.OnceValues(func() (document, error) {
	var root map[string]any
	if err := json.Unmarshal(description, &root); err != nil {
		return document{}, err
	}
	paths, _ := root["paths"].(map[string]any)
	return document{root, paths}, nil
})

func theDocument(t testing.TB) document {
	t.Helper()
	d, err := readDocument()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// resolve follows a $ref within the document.
func (d document) resolve(v any) map[string]any {
	m, _ := v.(map[string]any)
	ref, ok := m["$ref"].(string)
	if !ok {
		return m
	}
	var at any = d.root
	for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		m, _ := at.(map[string]any)
		at = m[name]
	}
	m, _ = at.(map[string]any)
	return m
}

func (d document) responses(method, path string) map[string]any {
	item, _ := d.paths[path].(map[string]any)
	operation, _ := item[strings.ToLower(method)].(map[string]any)
	list, _ := operation["responses"].(map[string]any)
	return list
}

// checkAnswer holds one answer against the description: its code, its media
// type and, where it is JSON, its schema.
func checkAnswer(t testing.TB, method, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code == statusGone || w.Code == 405 {
		return // nobody reads the one; the other belongs to no operation
	}
	d := theDocument(t)
	response := d.resolve(d.responses(method, path)[strconv.Itoa(w.Code)])
	if response == nil {
		t.Errorf("%s %s answered %d, which openapi.json does not describe", method, path, w.Code)
		return
	}
	media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
	content, _ := response["content"].(map[string]any)
	typed, _ := content[media].(map[string]any)
	if typed == nil {
		t.Errorf("%s %s answered %d as %q, which openapi.json does not describe", method, path, w.Code, media)
		return
	}
	headers, _ := response["headers"].(map[string]any)
	for _, name := range []string{"Retry-After", "Preference-Applied", "Location"} {
		if w.Header().Get(name) != "" && headers[name] == nil {
			t.Errorf("%s %s answered %d with %s, which openapi.json does not describe", method, path, w.Code, name)
		}
	}
	if !strings.Contains(media, "json") {
		return
	}
	schema := compile(t, d, typed["schema"])
	texts := [][]byte{w.Body.Bytes()}
	if media == mediaNDJSON {
		texts = slices.Collect(bytes.Lines(w.Body.Bytes()))
	}
	for _, line := range texts {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err == nil {
			err = schema.Validate(v)
		}
		if err != nil {
			t.Errorf("%s %s answered %s, unlike openapi.json: %v", method, path, line, err)
		}
	}
}

// compile makes a JSON Schema of a schema of the document; references reach its components.
func compile(t testing.TB, d document, schema any) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	text, _ := json.Marshal(map[string]any{"components": d.root["components"], "it": schema})
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = c.AddResource("mem:///openapi.json", root)
	}
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("mem:///openapi.json#/it")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func TestOpenAPIDescribesEveryRouteAndNoOther(t *testing.T) {
	d := theDocument(t)
	s := newServer(t, testConfig(), Deps{Next: &broker{}})
	known := map[string]bool{}
	for _, r := range s.table() {
		known[r.method+" "+r.path] = true
		if d.responses(r.method, r.path) == nil {
			t.Errorf("%s %s is not described", r.method, r.path)
		}
	}
	for path, item := range d.paths {
		for method := range item.(map[string]any) {
			if name := strings.ToUpper(method) + " " + path; !known[name] {
				t.Errorf("%s is described, but there is no such route", name)
			}
		}
	}
}

func TestOpenAPIIsWellFormed(t *testing.T) {
	d := theDocument(t)
	if d.root["openapi"] != "3.1.0" {
		t.Errorf("openapi is %v", d.root["openapi"])
	}
	walk(d.root, "", func(at string, m map[string]any) {
		if m["$ref"] != nil && d.resolve(m) == nil {
			t.Errorf("%s refers to %v, which is not there", at, m["$ref"])
		}
		if schema := m["schema"]; schema != nil {
			compile(t, d, schema)
		}
	})
	for path, item := range d.paths {
		for method, operation := range item.(map[string]any) {
			checkOperation(t, path, method, operation.(map[string]any))
		}
	}
}

func checkOperation(t *testing.T, path, method string, o map[string]any) {
	t.Helper()
	if o["operationId"] == nil || o["summary"] == nil || o["responses"] == nil {
		t.Errorf("%s %s lacks operationId, summary or responses", method, path)
	}
	declared := map[string]bool{}
	list, _ := o["parameters"].([]any)
	for _, p := range list {
		p := p.(map[string]any)
		if p["name"] == nil || p["in"] == nil || p["schema"] == nil {
			t.Errorf("%s %s has a parameter without name, in or schema", method, path)
		}
		declared[fmt.Sprintf("%v %v", p["in"], p["name"])] = true
	}
	if strings.Contains(path, "{id}") && !declared["path id"] {
		t.Errorf("%s %s does not declare its id", method, path)
	}
	for code, r := range o["responses"].(map[string]any) {
		if r := theDocument(t).resolve(r); r["description"] == nil {
			t.Errorf("%s %s %s has no description", method, path, code)
		}
	}
}

func walk(v any, at string, see func(at string, m map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		see(at, v)
		for name, child := range v {
			walk(child, at+"/"+name, see)
		}
	case []any:
		for i, child := range v {
			walk(child, at+"/"+strconv.Itoa(i), see)
		}
	}
}

func TestOpenAPIDescribesEveryStatusCodeInTheCode(t *testing.T) {
	d := theDocument(t)
	described := map[string]bool{"405": true} // belongs to no operation
	for _, item := range d.paths {
		for _, o := range item.(map[string]any) {
			for code := range o.(map[string]any)["responses"].(map[string]any) {
				described[code] = true
			}
		}
	}
	values := statusValues(t)
	for _, name := range statusNames(t) {
		if !described[values[name]] {
			t.Errorf("the code answers http.%s (%s), which openapi.json does not describe", name, values[name])
		}
	}
}

// statusValues reads the constants of net/http.
func statusValues(t *testing.T) map[string]string {
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(build.Default.GOROOT, "src/net/http/status.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Names) == 1 && len(v.Values) == 1 {
			if number, ok := v.Values[0].(*ast.BasicLit); ok {
				values[v.Names[0].Name] = number.Value
			}
		}
		return true
	})
	return values
}

// statusNames finds http.StatusX in this package's code, tests left out.
func statusNames(t *testing.T) []string {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err, fs.ErrNotExist)
	}
	var names []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if ok && strings.HasPrefix(sel.Sel.Name, "Status") && fmt.Sprint(sel.X) == "http" {
				names = append(names, sel.Sel.Name)
			}
			return true
		})
	}
	slices.Sort(names)
	return slices.Compact(names)
}
