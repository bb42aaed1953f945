package learn

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// hyperReader reads hyperparameters, which are all text, collects every
// problem, and at its end refuses the names that nobody asked for.
type hyperReader struct {
	algorithm string
	values    map[string]string
	problems  []error
	known     []string
}

func readHyper(algorithm string, values map[string]string) *hyperReader {
	return &hyperReader{algorithm: algorithm, values: maps.Clone(values)}
}

// take returns the text of the first of the names that is set and forgets it.
func (h *hyperReader) take(names ...string) (string, bool) {
	h.known = append(h.known, names...)
	for _, name := range names {
		if text, ok := h.values[name]; ok {
			delete(h.values, name)
			return strings.TrimSpace(text), true
		}
	}
	return "", false
}

// number reads a number within [least, most]; names after the first are aliases.
func (h *hyperReader) number(value, least, most float64, names ...string) float64 {
	text, ok := h.take(names...)
	if !ok {
		return value
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(x) || x < least || x > most {
		h.problems = append(h.problems, fmt.Errorf("hyperparameter %s: %.40q is not a number from %g to %g", names[0], text, least, most))
		return value
	}
	return x
}

// whole reads a whole number within [least, most].
func (h *hyperReader) whole(value, least, most int, names ...string) int {
	text, ok := h.take(names...)
	if !ok {
		return value
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		h.problems = append(h.problems, fmt.Errorf("hyperparameter %s: %.40q is not a whole number from %d to %d", names[0], text, least, most))
		return value
	}
	return n
}

// oneOf reads one of the allowed words.
func (h *hyperReader) oneOf(value, name string, allowed ...string) string {
	text, ok := h.take(name)
	if !ok {
		return value
	}
	if !slices.Contains(allowed, text) {
		h.problems = append(h.problems, fmt.Errorf("hyperparameter %s: %.40q is not known; use %s", name, text, strings.Join(allowed, ", ")))
		return value
	}
	return text
}

// err names everything that was wrong, in a stable order.
func (h *hyperReader) err() error {
	slices.Sort(h.known)
	for _, name := range slices.Sorted(maps.Keys(h.values)) {
		h.problems = append(h.problems, fmt.Errorf("hyperparameter %s is not known to %s; it knows %s",
			name, h.algorithm, strings.Join(h.known, ", ")))
	}
	return errors.Join(h.problems...)
}
