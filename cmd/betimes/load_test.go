package main

import (
	"bytes"
	"strings"
	"testing"

	"betimes/internal/lab/loadgen"
)

func TestFlagsOfLoadThatCannotBeObeyedAreRefusedBeforeAnythingIsSent(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a report in a form that there is not": {[]string{"--report", "x.txt"}, `--report: "x.txt" has no known ending; use one of .json .html`},
		"a report where there is no folder":    {[]string{"--report", "nowhere/x.json"}, "--report: stat nowhere: no such file or directory"},
		"payments in a form that there is not": {[]string{"--write", "x.parquet"}, `--write: "x.parquet" has no known ending; use one of .csv .ndjson`},
		"fewer payments than one":              {[]string{"--write", "x.csv", "--count", "-4"}, "--count: -4 is less than 1"},
		"two at once, which are told together": {[]string{"--count", "0", "--fail-on", "x"}, "--fail-on: \"x\" is not known; write late=1%\n--count: 0 is less than 1"},
	} {
		t.Run(name, func(t *testing.T) {
			root := newRoot()
			root.SetArgs(append([]string{"load"}, c.args...))
			root.SetOut(&bytes.Buffer{})
			if err := root.Execute(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestALoadOfWhichNothingWasTakenFails(t *testing.T) {
	for name, c := range map[string]struct {
		counts loadgen.Counts
		fails  bool
	}{
		"nothing sent":        {loadgen.Counts{}, false},
		"all refused":         {loadgen.Counts{Sent: 5, Refused: 5}, true},
		"some refused":        {loadgen.Counts{Sent: 5, Refused: 4, Accepted: 1, Predicted: 1}, false},
		"answers were lost":   {loadgen.Counts{Sent: 5, Predicted: 5}, false},
		"an accepted is lost": {loadgen.Counts{Sent: 5, Accepted: 5, Predicted: 4, Lost: 1}, true},
	} {
		if err := (&loadFlags{}).judge(&loadgen.Report{Counts: c.counts}); (err != nil) != c.fails {
			t.Errorf("%s: %v", name, err)
		}
	}
}
