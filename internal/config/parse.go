package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a file, so that a wrong one is refused before it costs stack or time:
// the parser's time grows with the square of the lines.
const (
	maxFileBytes = 128 << 10
	maxDepth     = 32
)

// reader makes a tree of one document.
type reader struct {
	*list
	file string // as the origin of its values
	by   string // --set, instead of file
	env  func(string) (string, bool)
}

func (r *reader) at(tk *token.Token) Origin {
	o := Origin{File: r.file, By: r.by}
	if r.by == "" && tk != nil && tk.Position != nil {
		o.Line = tk.Position.Line
	}
	return o
}

// read gives the tree, or nil when the text is no YAML document; then a problem is noted.
func (r *reader) read(data []byte) *node {
	switch whole := (Origin{File: r.file, By: r.by}); {
	case len(data) > maxFileBytes:
		r.add(whole, "", "the file has more than 128KiB; is it a configuration?")
	case !utf8.Valid(data):
		r.add(whole, "", "the file is not UTF-8 text; is it a configuration?")
	default:
		return r.document(data)
	}
	return nil
}

func (r *reader) document(data []byte) *node {
	tokens := lexer.Tokenize(string(data))
	if !r.shallow(tokens) {
		return nil
	}
	file, err := parse(tokens)
	if err != nil {
		r.syntax(err)
		return nil
	}
	if len(file.Docs) > 1 {
		r.add(r.at(file.Docs[1].Start), "", "a second document begins; one file is one pipeline, remove everything from --- on")
		return nil
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return &node{from: Origin{File: r.file, By: r.by}}
	}
	return r.node("", file.Docs[0].Body)
}

// parse shields against the parser's own faults on text that no person writes.
func parse(tokens token.Tokens) (file *ast.File, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("this is not YAML that can be read (%v)", fault)
		}
	}()
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

func (r *reader) syntax(err error) {
	var at yaml.Error
	if errors.As(err, &at) {
		r.add(r.at(at.GetToken()), "", "%s; the text is not YAML here", at.GetMessage())
		return
	}
	r.add(Origin{File: r.file, By: r.by}, "", "%s; mend the YAML", err)
}

// shallow refuses nesting that would exhaust the parser's stack. Block nesting
// is counted by the dashes and keys that begin one line and by its column.
func (r *reader) shallow(tokens token.Tokens) bool {
	flow, line, dashes := 0, 0, 0
	for _, tk := range tokens {
		if tk.Position.Line != line {
			line, dashes = tk.Position.Line, 0
		}
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			dashes++
		}
		if flow > maxDepth || dashes > maxDepth || (dashes+flow > 0 || tk.Type == token.MappingValueType) && tk.Position.IndentNum > 10*maxDepth {
			r.add(r.at(tk), "", "more than %d levels; no key is that deep", maxDepth)
			return false
		}
	}
	return true
}

// node makes one value; path is for problems.
func (r *reader) node(path string, n ast.Node) *node {
	switch n := n.(type) {
	case nil:
		return &node{}
	case *ast.NullNode:
		return &node{from: r.at(n.GetToken())}
	case *ast.MappingNode:
		return r.mapping(path, n, n.Values)
	case *ast.MappingValueNode:
		return r.mapping(path, n, []*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		return r.sequence(path, n)
	case *ast.StringNode:
		t := n.GetToken().Type
		return r.scalar(path, n, n.Value, t == token.SingleQuoteType || t == token.DoubleQuoteType)
	case *ast.LiteralNode:
		return r.scalar(path, n, n.Value.Value, true)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return r.scalar(path, n, n.GetToken().Value, false)
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		r.add(r.at(n.GetToken()), path, "anchors and aliases (&, *, <<) are not read; write the value out, or use extends")
	case *ast.TagNode:
		r.add(r.at(n.GetToken()), path, "tags like %s are not read; remove it", n.GetToken().Value)
	default:
		r.add(r.at(n.GetToken()), path, "%s is not read here; write keys, lists and values only", n.Type())
	}
	return nil
}

func (r *reader) mapping(path string, at ast.Node, values []*ast.MappingValueNode) *node {
	n := &node{kind: mapping, from: r.at(at.GetToken())}
	seen := make(map[string]bool, len(values))
	for i, v := range values {
		key, ok := r.key(path, v.Key)
		if i == 0 && v.Key != nil && n.from.Line > 0 {
			n.from.Line = min(n.from.Line, r.at(v.Key.GetToken()).Line)
		}
		if !ok {
			continue
		}
		e := entry{key: key, from: r.at(v.Key.GetToken())}
		if seen[key] {
			r.add(e.from, join(path, key), "the key is here a second time; keep one")
			continue
		}
		seen[key] = true
		if e.value = r.node(join(path, key), v.Value); e.value != nil {
			e.value.from = e.from // where the key stands is where people look
			n.entries = append(n.entries, e)
		}
	}
	return n
}

func (r *reader) key(path string, k ast.MapKeyNode) (string, bool) {
	switch k := k.(type) {
	case *ast.StringNode:
		return k.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return k.GetToken().Value, true
	case *ast.MergeKeyNode:
		r.node(path, k)
		return "", false
	}
	r.add(r.at(k.GetToken()), path, "%q is no plain key; write key: value", strings.TrimSpace(k.GetToken().Value))
	return "", false
}

func (r *reader) sequence(path string, s *ast.SequenceNode) *node {
	n := &node{kind: sequence, from: r.at(s.GetToken())}
	for i, v := range s.Values {
		element := r.address(index(path, i), v)
		if element == nil {
			element = r.node(index(path, i), v)
		}
		if element != nil {
			n.elements = append(n.elements, element)
		}
	}
	return n
}

// address makes host:9092 whole again. Inside {…: […]} the parser takes it for a
// key and a value, which YAML wants a space between.
func (r *reader) address(path string, n ast.Node) *node {
	m, ok := n.(*ast.MappingNode)
	if !ok || len(m.Values) != 1 || m.Start == nil || m.Start.Type != token.MappingValueType {
		return nil
	}
	v := m.Values[0]
	key, plainKey := v.Key.(*ast.StringNode)
	value, single := v.Value.(ast.ScalarNode)
	if !plainKey || !single || v.Start == nil || key.GetToken().Type != token.StringType {
		return nil
	}
	colon, after := v.Start.Position, value.GetToken().Position
	if colon.Line != after.Line || colon.Column+1 != after.Column {
		return nil
	}
	return r.scalar(path, key, key.Value+":"+value.GetToken().Value, false)
}

func (r *reader) scalar(path string, at ast.Node, text string, quoted bool) *node {
	from := r.at(at.GetToken())
	expanded, err := expand(text, r.env)
	if err != nil {
		r.add(from, path, "%s", err)
		return nil
	}
	// What a variable holds is read as if it stood there without quotes.
	return &node{kind: scalar, from: from, text: expanded, quoted: quoted && expanded == text}
}
