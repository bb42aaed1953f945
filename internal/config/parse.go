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

// mark is the byte order mark that some editors put before a text.
const mark = "\ufeff"

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
	tokens := lexer.Tokenize(strings.TrimPrefix(string(data), mark))
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
		if strings.HasPrefix(at.GetMessage(), "found character '\t'") {
			r.add(r.at(at.GetToken()), "", "a line begins with a tab; indent with spaces")
			return
		}
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
