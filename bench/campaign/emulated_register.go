package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// register is one thing that the emulator keeps, and the values it may have: one,
// or several where a kill has left open what became of a write.
type register struct {
	what string
	may  []string // "": it is not there
	late bool     // to be read when everything is at rest only
	read func(ctx context.Context) (string, error)
}

// outcome is what a writer knows of a write.
type certainty int

const (
	sure    certainty = iota // it was answered with success
	open                     // the connection broke
	refused                  // it was answered with an error: nothing has changed
)

// wrote notes a write and how it was answered.
func (r *register) wrote(value string, c certainty) {
	switch {
	case c == sure:
		r.may = []string{value}
	case c == open && !slices.Contains(r.may, value):
		r.may = append(r.may, value)
	}
}

// raised notes that one was added to a count.
func (r *register) raised(c certainty) {
	var next []string
	for _, text := range r.may {
		n := 0
		_, _ = fmt.Sscan(text, &n) // "" is none
		next = append(next, fmt.Sprint(n+1))
	}
	switch c {
	case sure:
		r.may = next
	case open:
		for _, text := range next {
			if !slices.Contains(r.may, text) {
				r.may = append(r.may, text)
			}
		}
	}
}

// check reads the thing. Problem says what is not as it must be; an error, that nothing could be read.
func (r *register) check(ctx context.Context) (problem string, err error) {
	got, err := r.read(ctx)
	if err != nil || slices.Contains(r.may, got) {
		return "", err
	}
	may := slices.Clone(r.may)
	for i, text := range may {
		may[i] = orAbsent(text)
	}
	return fmt.Sprintf("%s is %s, must be %s", r.what, orAbsent(got), strings.Join(may, " or ")), nil
}

func orAbsent(text string) string {
	if text == "" {
		return "not there"
	}
	return text
}
