package setting

import "fmt"

// Problem is one thing wrong with a configuration: where, what and how to mend it.
type Problem struct {
	Path string // dotted, relative to the room's section; config puts the section before it
	Text string // "80ms is more than the 50ms of objective.latency; lower it or raise the objective"
}

// Error gives path: text.
func (p Problem) Error() string { return p.Path + ": " + p.Text }

// Problems collects what is wrong; the zero value is empty.
type Problems []Problem

// Add notes a problem at path; the text names the value and the remedy.
func (ps *Problems) Add(path, format string, args ...any) {
	*ps = append(*ps, Problem{path, fmt.Sprintf(format, args...)})
}

// Under puts section before the path of each problem of another room and adds them.
func (ps *Problems) Under(section string, others Problems) {
	for _, o := range others {
		o.Path = section + "." + o.Path
		*ps = append(*ps, o)
	}
}
