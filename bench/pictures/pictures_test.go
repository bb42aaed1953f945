package main

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestThePicturesAreThoseOfTheData(t *testing.T) {
	for _, p := range pictures() {
		svg, err := p.draw(filepath.Join("..", "data"))
		if err != nil {
			t.Errorf("%s: %v", p.name, err)
			continue
		}
		kept, err := os.ReadFile(filepath.Join("..", "..", "docs", "pictures", p.name+".svg"))
		if err != nil || string(kept) != svg {
			t.Errorf("docs/pictures/%s.svg is not what bench/data says (%v); run make pictures", p.name, err)
		}
		if why := wellFormed(svg); why != nil {
			t.Errorf("%s: %v", p.name, why)
		}
	}
}

func wellFormed(svg string) error {
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

const printed = `### Speed, 2026-11-26

AMD EPYC, real-time class

#### P4: a model of 2 executors

1000/s (ms, median [least–most])

| system | p50 | p99 | p99.9 | void |
|---|---|---|---|---|
| reference | 5.81 [5.70–5.90] | 8.80 [8.60–9.10] | 1,012 | |
| betimes | – | – | – | turn 1: load late |

| betimes ÷ | p50 | p99 |
|---|---|---|
| reference | 1.02 | 1.03 |

#### P4-SLOW: another

| system | p99 |
|---|---|
| betimes | 59 ms |
`

func TestTheTablesOfARunAreReadAsTheyWerePrinted(t *testing.T) {
	f := parse("p4.md", printed)
	if f.source != "AMD EPYC, real-time class" || len(f.tables) != 3 {
		t.Fatalf("%q, %d tables", f.source, len(f.tables))
	}
	p4 := f.under("p4:", "p99")
	if len(p4) != 1 || !strings.HasPrefix(p4[0].above, "1000/s") {
		t.Fatalf("%+v", p4)
	}
	for _, c := range []struct {
		row, column string
		want        value
		known       bool
	}{
		{"reference", "p99", value{8.8, 8.6, 9.1}, true},
		{"reference", "p99.9", value{1012, 1012, 1012}, true},
		{"betimes", "p99", value{}, false},
		{"nobody", "p99", value{}, false},
		{"reference", "p97", value{}, false},
	} {
		if got, known := p4[0].at(c.row, c.column); got != c.want || known != c.known {
			t.Errorf("%s of %s: %v %v", c.column, c.row, got, known)
		}
	}
	if v, ok := f.under("P4-SLOW", "p99")[0].at("betimes", "p99"); !ok || v.median != 59 {
		t.Errorf("%v", v)
	}
}

func TestAxesEndAtRoundFigures(t *testing.T) {
	for most, want := range map[float64]float64{0: 1, 0.9: 1, 1: 1, 87.2: 100, 311: 400, 1200: 1500} {
		if got := linear(most, 0, 1).most; got != want {
			t.Errorf("up to %v: an axis to %v, want %v", most, got, want)
		}
	}
	a := logarithmic(3, 700, 0, 100)
	if a.least != 2 || a.most != 1000 || a.at(2) != 0 || a.at(1000) != 100 || len(a.ticks()) != 9 {
		t.Errorf("%+v with %v", a, a.ticks())
	}
}

func FuzzParse(f *testing.F) {
	f.Add(printed)
	f.Add("|\n|-|\n| | 1 [2")
	f.Fuzz(func(t *testing.T, text string) {
		for _, one := range parse("x.md", text).tables {
			one.at("reference", "p99")
			one.series("load", "p99")
		}
	})
}
