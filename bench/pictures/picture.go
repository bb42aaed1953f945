package main

import (
	"fmt"
	"strings"
)

// picture is one file of docs/pictures.
type picture struct {
	name string
	draw func(data string) (string, error)
}

// pictures are all there are, in the order of an event's journey.
func pictures() []picture {
	return []picture{
		{"budget", drawBudget},
		{"admission", drawAdmission},
		{"batching", drawBatching},
		{"batch-size", drawBatchSize},
		{"executors", drawExecutors},
		{"endpoints", drawEndpoints},
		{"second-calls", drawSecondCalls},
		{"limit", drawLimit},
	}
}

// made says for the foot of a picture what was measured.
func (f file) made() string {
	const most = 88 // characters beside the name of the file
	text := []rune(f.source)
	if len(text) <= most {
		return f.source
	}
	return strings.TrimRight(string(text[:most]), " ,;") + " …"
}

// pick gives the categories of one column, a row for each name that has a figure.
func pick(t table, column string, rows ...string) []category {
	var all []category
	for _, row := range rows {
		if v, ok := t.at(row, column); ok {
			all = append(all, category{row, []*value{&v}})
		}
	}
	return all
}

// one gives the first table with a column below a heading.
func (f file) one(heading, column string) (table, error) {
	all := f.under(heading, column)
	if len(all) == 0 {
		return table{}, fmt.Errorf("%s has no table with a column %q below a heading %q", f.name, column, heading)
	}
	return all[0], nil
}
