package main

import (
	"os"
	"slices"
	"testing"
	"time"
)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestARunOfBetimesGivesEveryFigureAndChangesTheServers is a whole run without proxies,
// in a second: what is asserted holds however slow the machine is.
func TestARunOfBetimesGivesEveryFigureAndChangesTheServers(t *testing.T) {
	around, err := startServers()
	if err != nil {
		t.Fatal(err)
	}
	defer around.stop()
	s := scenario{
		name: "smoke", deadline: time.Minute, systems: []string{betimes},
		fleet: fleet{Slots: repeat(4, 4), Least: time.Millisecond, Most: 2 * time.Millisecond, Slow: -1, Broken: -1, Beside: []int{0}},
		steps: []step{
			{what: "four", rate: 200, subject: -1},
			{what: "one dies", rate: 200, subject: 2, change: func(f *fleet) { f.Gone = []int{2} }},
		},
	}
	o := options{warm: 50 * time.Millisecond, window: 500 * time.Millisecond}
	got, err := o.once(t.Context(), s, betimes, 1, around)
	if err != nil {
		t.Fatal(err)
	}
	for n, one := range got.steps {
		if events := len(one.took); events < 50 || !slices.IsSorted(one.took) || len(one.late) != events || len(one.calls) != 4 || len(one.series) == 0 {
			t.Errorf("step %d: %d events, want about 100, in order of their times: %+v", n, events, one)
		}
	}
	if counts, err := around.tell(setting{}); err != nil || int(sum(counts)) < len(got.steps[0].took) {
		t.Errorf("the servers counted %v, %v", counts, err)
	}
	for i, address := range around.addresses[:4] {
		e, err := ask("s", address, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Reach(t.Context()); (err != nil) != (i == 2) {
			t.Errorf("server %d in the end: %v; want only the one that died not to answer", i, err)
		}
		e.Close()
	}
}

func TestAnAddressStaysWhileNobodyListens(t *testing.T) {
	g, err := newGroup()
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	f := fleet{Slots: repeat(1, most), Slow: -1, Broken: -1}
	p := g.stubs[0].port
	for range 3 {
		for _, gone := range [][]int{{0}, nil} {
			f.Gone = gone
			if err := g.change(f); err != nil {
				t.Fatal(err)
			}
			e, err := ask("s", p.address, 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Reach(t.Context()); (err != nil) != (gone != nil) {
				t.Errorf("gone %v: %v", gone, err)
			}
			e.Close()
		}
	}
}
