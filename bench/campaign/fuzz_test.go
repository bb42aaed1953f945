package main

import (
	"slices"
	"testing"
)

func TestTargetsAreReadFromGoTest(t *testing.T) {
	out := "FuzzOne\nFuzzTwo\nok  \tbetimes/internal/a\t0.012s\n?   \tbetimes/internal/b\t[no test files]\nok  \tbetimes/internal/c\t0.010s\nFuzzThree\nok  \tbetimes/internal/d\t0.010s\n"
	want := []target{{"betimes/internal/a", "FuzzOne"}, {"betimes/internal/a", "FuzzTwo"}, {"betimes/internal/d", "FuzzThree"}}
	if got := parseTargets([]byte(out)); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheLastLineOfProgressCounts(t *testing.T) {
	out := "fuzz: elapsed: 0s, gathering baseline coverage: 0/5 completed\nfuzz: elapsed: 3s, execs: 120 (40/sec), new interesting: 1 (total: 6)\nfuzz: elapsed: 5s, execs: 3400 (56/sec), new interesting: 2 (total: 7)\nPASS\n"
	if got := parseFuzz([]byte(out)); got != (fuzzed{"3400", "2"}) {
		t.Errorf("got %v", got)
	}
}
