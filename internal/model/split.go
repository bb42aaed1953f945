package model

import (
	"bytes"
	"fmt"
	"strings"
)

// split parts an answer by its own content type. An answer without one is
// looked at: some servers send none.
func split(body []byte, contentType string, n int) ([][]byte, error) {
	if n == 1 {
		return [][]byte{body}, nil
	}
	if n < 1 {
		return nil, fmt.Errorf("an answer cannot be parted into %d", n)
	}
	switch answerKind(body, contentType) {
	case kindJSON:
		return splitList(body, n)
	case kindRecord:
		return splitFrames(body, n)
	case kindBytes:
		return nil, fmt.Errorf("an answer of content type %q cannot be parted among %d events", contentType, n)
	case kindCSV, kindText, kindSVM:
		return splitText(body, n)
	}
	return splitLines(body, n)
}

// answerKind is the kind of an answer; unknown and plain text that looks like
// JSON count as JSON.
func answerKind(body []byte, contentType string) kind {
	k := kindOf(contentType)
	if k != kindUnknown && k != kindText {
		return k
	}
	if i := skipSpace(body, 0); i < len(body) && (body[i] == '{' || body[i] == '[') {
		return kindJSON
	}
	if k == kindUnknown && contentType != "" {
		return kindBytes
	}
	return kindText
}

// isPage says whether the answer is for people: proxies and login pages answer
// so, with status 200. No model does.
func isPage(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(media), "text/html")
}

// splitText accepts a line per answer, or all of them on one line with commas
// between: built-in algorithms do the one or the other by version.
func splitText(body []byte, n int) ([][]byte, error) {
	lines := bytes.Split(trimLineEnds(body), []byte("\n"))
	if len(lines) == 1 {
		if parts := bytes.Split(lines[0], []byte(",")); len(parts) == n {
			return filled(parts)
		}
	}
	return counted(lines, n)
}

func splitLines(body []byte, n int) ([][]byte, error) {
	return counted(bytes.Split(trimLineEnds(body), []byte("\n")), n)
}

// splitList gives every element its own copy of what stood around the list, so
// that an answer looks the same whether its event was asked alone or with others.
func splitList(body []byte, n int) ([][]byte, error) {
	l, ok := findList(body)
	if !ok {
		return nil, fmt.Errorf("the answer holds no list of predictions, or more than one; %d events were asked together", n)
	}
	if len(l.elements) != n {
		return nil, miscounted(len(l.elements), n)
	}
	out := make([][]byte, n)
	for i, e := range l.elements {
		part := make([]byte, 0, len(l.head)+len(e)+len(l.tail))
		part = append(part, l.head...)
		part = append(part, e...)
		out[i] = append(part, l.tail...)
	}
	return out, nil
}

func counted(parts [][]byte, n int) ([][]byte, error) {
	if len(parts) != n {
		return nil, miscounted(len(parts), n)
	}
	return filled(parts)
}

// filled refuses empty answers: which event they belong to would be a guess.
func filled(parts [][]byte) ([][]byte, error) {
	for i := range parts {
		parts[i] = bytes.TrimSpace(parts[i])
		if len(parts[i]) == 0 {
			return nil, fmt.Errorf("answer %d of %d is empty", i+1, len(parts))
		}
	}
	return parts, nil
}

func miscounted(got, want int) error {
	return fmt.Errorf("the answer holds %d predictions for %d events", got, want)
}

func trimLineEnds(b []byte) []byte { return bytes.TrimRight(b, "\r\n") }
