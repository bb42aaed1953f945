package config

import (
	"strconv"
	"strings"
)

// Origin is where a value comes from.
type Origin struct {
	File string // path of the file, or empty
	Line int    // from 1; 0 when the whole file is meant
	By   string // --set, env NAME, or why a default is what it is
}

// String gives the comment of config print: v1.yaml:12, --set, env AWS_REGION or default.
func (o Origin) String() string {
	switch {
	case o.File != "" && o.By != "":
		return o.place() + ", " + o.By
	case o.File != "":
		return o.place()
	case o.By != "":
		return o.By
	}
	return "default"
}

// place is the start of a problem's line.
func (o Origin) place() string {
	switch {
	case o.File == "":
		return o.By
	case o.Line == 0:
		return o.File
	}
	return o.File + ":" + strconv.Itoa(o.Line)
}

// origins holds the origin of every path that was set, containers included.
type origins map[string]Origin

// nearest is where a person would mend the value at path: its own origin or that
// of the closest key around it that was written by someone.
func (o origins) nearest(path string) Origin {
	for {
		if from, ok := o[path]; path == "" || ok && !from.derived() {
			return from
		}
		path = parent(path)
	}
}

// because is the reason of a default: its own, or that of a section around it.
func (o origins) because(path string) Origin {
	for ; path != ""; path = parent(path) {
		if from, ok := o[path]; ok {
			if from.derived() {
				return from
			}
			break
		}
	}
	return Origin{}
}

// derived says that nobody wrote the value.
func (o Origin) derived() bool { return o.File == "" && strings.HasPrefix(o.By, "default") }

// parent cuts the last key or index off a path.
func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

func join(path, key string) string {
	switch {
	case path == "":
		return key
	case key == "" || key[0] == '[':
		return path + key
	}
	return path + "." + key
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
