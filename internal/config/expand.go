package config

import (
	"fmt"
	"strings"
)

// expand puts the values of ${VAR} and ${VAR:-default} into text; $${ is a
// plain ${. What a variable holds is not expanded again.
func expand(text string, env func(string) (string, bool)) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		if strings.HasSuffix(before, "$") {
			b.WriteString("{")
			text = rest
			continue
		}
		inside, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", fmt.Errorf("${%s has no }; write ${VAR}, ${VAR:-default}, or $${ for a plain ${", rest)
		}
		value, err := variable(inside, env)
		if err != nil {
			return "", err
		}
		b.WriteString(value)
		text = after
	}
}

func variable(inside string, env func(string) (string, bool)) (string, error) {
	name, fallback, hasFallback := strings.Cut(inside, ":-")
	if !isVariable(name) {
		return "", fmt.Errorf("${%s} is no variable; write ${VAR}, ${VAR:-default}, or $${ for a plain ${", inside)
	}
	value, set := env(name)
	switch {
	case set && (value != "" || !hasFallback):
		return value, nil
	case hasFallback:
		return fallback, nil
	}
	return "", fmt.Errorf("the environment has no %s; set it, or write ${%s:-default}", name, name)
}

func isVariable(name string) bool {
	for i, c := range name {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
