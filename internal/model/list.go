package model

import (
	"encoding/json"
	"strings"
)

// list is the one list of a JSON body: what stands before its first element,
// its elements as written, and what stands after the last.
type list struct {
	head, tail []byte
	elements   [][]byte
	sole       bool // nothing but the list is in the body
}

// findList finds the list of a body: the body itself, the member "predictions"
// of an object, or the only member of an object that is a list.
func findList(body []byte) (list, bool) {
	if !json.Valid(body) {
		return list{}, false
	}
	start := skipSpace(body, 0)
	switch body[start] {
	case '[':
		l, _ := listAt(body, start)
		l.sole = true
		return l, true
	case '{':
		return listInObject(body, start)
	}
	return list{}, false
}

func listInObject(body []byte, start int) (list, bool) {
	var found list
	lists, members := 0, 0
	for i := skipSpace(body, start+1); body[i] != '}'; {
		name, valueAt := memberAt(body, i)
		members++
		if body[valueAt] == '[' {
			lists++
			l, end := listAt(body, valueAt)
			if string(name) == `"predictions"` {
				return l, true
			}
			found, i = l, end
		} else {
			i = skipValue(body, valueAt)
		}
		if i = skipSpace(body, i); body[i] == ',' {
			i = skipSpace(body, i+1)
		}
	}
	found.sole = members == 1
	return found, lists == 1
}

// memberAt gives the quoted name at i and where its value begins.
func memberAt(body []byte, i int) (name []byte, valueAt int) {
	end := skipValue(body, i)
	colon := skipSpace(body, end)
	return body[i:end], skipSpace(body, colon+1)
}

// listAt reads the list that begins at start, and gives where it ends.
func listAt(body []byte, start int) (list, int) {
	l := list{head: body[:start+1]}
	i := skipSpace(body, start+1)
	for body[i] != ']' {
		end := skipValue(body, i)
		l.elements = append(l.elements, body[i:end])
		if i = skipSpace(body, end); body[i] == ',' {
			i = skipSpace(body, i+1)
		}
	}
	l.tail = body[i:]
	return l, i + 1
}

// skipValue gives the end of the value at i. The body is valid JSON.
func skipValue(body []byte, i int) int {
	depth := 0
	for ; i < len(body); i++ {
		switch body[i] {
		case '"':
			i = endOfString(body, i)
		case '[', '{':
			depth++
			continue
		case ']', '}':
			if depth == 0 {
				return i // a number or literal ended before it
			}
			depth--
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
			continue
		default:
			if depth > 0 || !endsScalar(body, i+1) {
				continue
			}
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(body)
}

func endsScalar(body []byte, i int) bool {
	return i >= len(body) || strings.IndexByte(",:]} \t\r\n", body[i]) >= 0
}

// endOfString gives the index of the closing quote of the string at i.
func endOfString(body []byte, i int) int {
	for i++; body[i] != '"'; i++ {
		if body[i] == '\\' {
			i++
		}
	}
	return i
}

func skipSpace(body []byte, i int) int {
	for i < len(body) && (body[i] == ' ' || body[i] == '\t' || body[i] == '\n' || body[i] == '\r') {
		i++
	}
	return i
}
