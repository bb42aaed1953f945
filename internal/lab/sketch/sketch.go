// Package sketch guesses a configuration from sample records: what they are,
// which field is the key, the id and the time, and which could be features.
//
// Upstream: the command init samples a topic without a group.
// Downstream: a commented file that people correct.
//
// Invariants: nothing of a sample but field names goes into the file; a guess
// that is not sure says so in a comment.
package sketch

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"time"

	"betimes/internal/pointer"

	"github.com/valyala/fastjson"
)

// Sample is one record.
type Sample struct {
	Key, Value []byte
}

// Guess is what samples look like.
type Guess struct {
	Samples   int
	Readable  int      // samples of the form that Value says
	Value     string   // json, csv or text
	Columns   int      // cells of a csv line
	Key       string   // JSON pointer; empty: none found
	KeySure   bool     // the records' own keys have this field's value
	ID        string   // JSON pointer; empty: none found
	EventTime string   // JSON pointer; empty: none found
	Fields    []string // numbers that are in every sample, as they come
	Others    []string // what else there is at the top
}

// Infer looks at samples.
func Infer(samples []Sample) Guess {
	g := Guess{Samples: len(samples)}
	objects := parse(samples)
	if len(objects) > 0 && len(objects)*2 >= len(samples) {
		g.Value, g.Readable = "json", len(objects)
		g.inferFields(objects)
		return g
	}
	if cells, n := tabular(samples); n*2 > len(samples) && cells > 1 {
		g.Value, g.Columns, g.Readable = "csv", cells, n
		return g
	}
	g.Value, g.Readable = "text", len(samples)
	return g
}

// object is one parsed sample.
type object struct {
	key []byte
	doc *fastjson.Value
}

func parse(samples []Sample) []object {
	var out []object
	for _, s := range samples {
		doc, err := fastjson.ParseBytes(bytes.Clone(s.Value))
		if err == nil && doc.Type() == fastjson.TypeObject {
			out = append(out, object{s.Key, doc})
		}
	}
	return out
}

// tabular gives the cell count that most lines have, and how many have it.
func tabular(samples []Sample) (cells, n int) {
	counts := map[int]int{}
	for _, s := range samples {
		row, err := csv.NewReader(bytes.NewReader(s.Value)).Read()
		if err == nil {
			counts[len(row)]++
		}
	}
	for c, k := range counts {
		if k > n || k == n && c > cells {
			cells, n = c, k
		}
	}
	return cells, n
}

// column is one top-level field over all samples.
type column struct {
	name     string
	present  int
	numbers  int
	texts    int
	times    int
	isKey    int // equals the record's key
	distinct map[string]int
}

func (g *Guess) inferFields(objects []object) {
	columns := gather(objects)
	n := len(objects)
	g.Key, g.KeySure = keyOf(columns, n)
	g.EventTime = timeOf(columns, n, g.Key)
	g.ID = idOf(columns, n, g.Key, g.EventTime)
	for _, c := range columns {
		at := "/" + c.name
		switch {
		case at == g.Key || at == g.ID || at == g.EventTime:
		case c.numbers == n:
			g.Fields = append(g.Fields, c.name)
		default:
			g.Others = append(g.Others, c.name)
		}
	}
}

// gather lists the fields in the order in which they first come.
func gather(objects []object) []*column {
	var columns []*column
	byName := map[string]*column{}
	for _, o := range objects {
		fields, _ := o.doc.Object()
		fields.Visit(func(name []byte, v *fastjson.Value) {
			c := byName[string(name)]
			if c == nil {
				c = &column{name: string(name), distinct: map[string]int{}}
				byName[c.name] = c
				columns = append(columns, c)
			}
			c.add(v, o.key)
		})
	}
	return columns
}

func (c *column) add(v *fastjson.Value, key []byte) {
	c.present++
	text := pointer.Scalar(v)
	if text == nil {
		return
	}
	if v.Type() == fastjson.TypeNumber {
		c.numbers++
	} else {
		c.texts++
	}
	if plausible(pointer.Time(v)) {
		c.times++
	}
	if len(key) > 0 && bytes.Equal(text, key) {
		c.isKey++
	}
	c.distinct[string(text)]++
}

func plausible(t time.Time) bool { return t.Year() >= 2000 && t.Year() < 2100 }

// keyOf prefers the field that the records are keyed by, then an id of
// something that comes more than once.
func keyOf(columns []*column, n int) (string, bool) {
	for _, c := range columns {
		if c.isKey == n {
			return "/" + c.name, true
		}
	}
	best := ""
	for _, c := range columns {
		repeats := len(c.distinct) > 1 && len(c.distinct) < n
		if c.present == n && repeats && c.texts+c.numbers == n && named(c.name, "id", "key", "token", "user", "customer", "account", "card", "device", "session") {
			if best == "" || c.texts == n {
				best = "/" + c.name
			}
		}
	}
	return best, false
}

func timeOf(columns []*column, n int, key string) string {
	for _, c := range columns {
		if c.times == n && "/"+c.name != key && (c.texts == n || named(c.name, "time", "ts", "timestamp", "at", "date")) {
			return "/" + c.name
		}
	}
	return ""
}

// idOf is a field that no two samples share, by name or because it is text.
func idOf(columns []*column, n int, taken ...string) string {
	unique := func(c *column) bool {
		return c.present == n && len(c.distinct) == n && n > 1 && !slices.Contains(taken, "/"+c.name)
	}
	for _, c := range columns {
		if unique(c) && named(c.name, "id", "uuid", "guid") {
			return "/" + c.name
		}
	}
	for _, c := range columns {
		if unique(c) && c.texts == n {
			return "/" + c.name
		}
	}
	return ""
}

// named says whether a part of a name, split at capitals, _, - and ., is one of words.
func named(name string, words ...string) bool {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	parts := strings.FieldsFunc(strings.ToLower(b.String()), func(r rune) bool { return r == '_' || r == '-' || r == '.' })
	return slices.ContainsFunc(parts, func(p string) bool { return slices.Contains(words, p) })
}

// columnNames are c1 … cN.
func columnNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = "c" + strconv.Itoa(i+1)
	}
	return names
}
