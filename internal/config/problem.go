package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"betimes/internal/setting"
)

// Problem is one thing wrong, and where it was written.
type Problem struct {
	Origin Origin
	Path   string // dotted; empty when it is about the file itself
	Text   string // names value and remedy
}

// String gives file:line: path: text.
func (p Problem) String() string {
	parts := []string{p.Text}
	if p.Path != "" {
		parts = slices.Insert(parts, 0, p.Path)
	}
	if place := p.Origin.place(); place != "" {
		parts = slices.Insert(parts, 0, place)
	}
	return strings.Join(parts, ": ")
}

// Error is everything that is wrong with one file.
type Error struct {
	File     string
	Problems []Problem
}

// Error gives one line per problem.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// maxProblems is as many as a person reads; a file with more is another kind of file.
const maxProblems = 100

// list collects problems while a file is read.
type list struct{ problems []Problem }

// full says whether more problems would not be noted.
func (l *list) full() bool { return len(l.problems) >= maxProblems }

func (l *list) add(from Origin, path, format string, args ...any) {
	if l.full() {
		return
	}
	l.problems = append(l.problems, Problem{from, path, fmt.Sprintf(format, args...)})
}

// covers says whether a problem was noted at path, at a part of it or at what holds it:
// what is said about a value that could not be read is noise.
func (l *list) covers(path string) bool {
	return slices.ContainsFunc(l.problems, func(p Problem) bool {
		return p.Path != "" && (within(p.Path, path) || within(path, p.Path))
	})
}

// within says whether path is outer or a key inside it.
func within(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// err gives the problems in the order of the files and lines, each once, or nil.
func (l *list) err(file string, files []string) error {
	if len(l.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(slices.Index(files, a.Origin.File), slices.Index(files, b.Origin.File)),
			cmp.Compare(a.Origin.Line, b.Origin.Line),
			cmp.Compare(a.Path, b.Path),
		)
	})
	problems := slices.Compact(l.problems)
	if l.full() {
		problems = append(problems, Problem{Origin{File: file}, "", fmt.Sprintf("the first %d problems are listed; mend them and look again", maxProblems)})
	}
	return &Error{file, problems}
}

// addUnder adds a room's problems below its section.
func (l *list) addUnder(section string, found setting.Problems, from origins) {
	for _, p := range found {
		path := elementOf(join(section, p.Path))
		l.add(from.nearest(path), path, "%s", p.Text)
	}
}

var dottedIndex = regexp.MustCompile(`\.(\d+)(\.|$)`)

// elementOf writes a list's entry as origins do: fields.0 is fields[0].
func elementOf(path string) string { return dottedIndex.ReplaceAllString(path, "[$1]$2") }
