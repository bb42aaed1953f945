package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// file is a data file: its text and its tables.
type file struct {
	name   string
	source string // the first line of text before the tables: what was measured, on what
	tables []table
}

// table is one table of Markdown.
type table struct {
	heading string // the newest heading before it
	above   string // the newest line of text before it
	columns []string
	rows    [][]string
}

// value is a figure with its range, or without: median, least and most are the same.
type value struct{ median, least, most float64 }

// read takes a data file in. Of several names the first is taken that is there.
func read(folder string, names ...string) (file, error) {
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(folder, name))
		switch {
		case err == nil:
			return parse(name, string(text)), nil
		case !errors.Is(err, fs.ErrNotExist):
			return file{}, err
		}
	}
	return file{}, fmt.Errorf("%s holds none of %s: %w", folder, strings.Join(names, ", "), fs.ErrNotExist)
}

func parse(name, text string) file {
	f := file{name: name}
	var heading, above string
	open := false // the table that is last goes on
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		switch {
		case strings.HasPrefix(line, "|"):
			if !open {
				f.tables = append(f.tables, table{heading: heading, above: above, columns: cells(line)})
			} else if t := &f.tables[len(f.tables)-1]; !ruler.MatchString(line) {
				t.rows = append(t.rows, cells(line))
			}
			open = true
			continue
		case strings.HasPrefix(line, "#"):
			heading, above = strings.TrimSpace(strings.TrimLeft(line, "#")), ""
		case line != "":
			above = line
			if f.source == "" && len(f.tables) == 0 {
				f.source = line
			}
		}
		open = false
	}
	return f
}

var ruler = regexp.MustCompile(`^\|[\s|:-]+\|?$`)

func cells(line string) []string {
	all := strings.Split(strings.Trim(line, "|"), "|")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// under gives the tables below a heading with that beginning that have the column,
// but for those of ratios.
func (f file) under(heading, column string) []table {
	var all []table
	for _, t := range f.tables {
		if strings.HasPrefix(strings.ToLower(t.heading), strings.ToLower(heading)) && t.column(column) > 0 && !strings.Contains(t.columns[0], "÷") {
			all = append(all, t)
		}
	}
	return all
}

// column is the number of the column with that beginning; 0: there is none.
func (t table) column(title string) int {
	for i, c := range t.columns[1:] {
		if strings.HasPrefix(c, title) {
			return i + 1
		}
	}
	return 0
}

// at gives a figure of a row; no: there is none.
func (t table) at(row, column string) (value, bool) {
	n := t.column(column)
	for _, cells := range t.rows {
		if cells[0] == row && n > 0 && n < len(cells) {
			return figure(cells[n])
		}
	}
	return value{}, false
}

var number = regexp.MustCompile(`-?\d+(?:,\d{3})*(?:\.\d+)?`)

// figure reads 12.3, 12.3 [11.0–13.0] or 4.2 ms.
func figure(cell string) (value, bool) {
	var all []float64
	for _, text := range number.FindAllString(cell, 3) {
		n, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64)
		if err != nil {
			return value{}, false
		}
		all = append(all, n)
	}
	switch {
	case len(all) == 0:
		return value{}, false
	case len(all) == 3 && strings.Contains(cell, "["):
		return value{all[0], all[1], all[2]}, true
	}
	return value{all[0], all[0], all[0]}, true
}

// series gives the figures of two columns as points of a curve, in the table's order.
func (t table) series(x, y string) []point {
	nx, ny := 0, t.column(y) // x may be the first
	if t.columns[0] != x {
		nx = t.column(x)
	}
	var all []point
	for _, cells := range t.rows {
		if ny == 0 || max(nx, ny) >= len(cells) {
			continue
		}
		vx, okX := figure(cells[nx])
		vy, okY := figure(cells[ny])
		if okX && okY {
			all = append(all, point{vx.median, vy.median})
		}
	}
	return all
}
