package config

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

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
