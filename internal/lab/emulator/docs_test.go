package emulator_test

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"betimes/internal/lab/emulator"
	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
)

// tables reads the tables of docs/emulator.md: by the first cell of their head, the
// cells of each row by its name.
func tables(t *testing.T) map[string]map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/emulator.md")
	must(t, err)
	all := map[string]map[string][]string{}
	var rows map[string][]string
	for line := range strings.Lines(string(text)) {
		row, isRow := strings.CutPrefix(strings.TrimSpace(line), "| ")
		switch {
		case strings.HasPrefix(line, "|---"):
		case !isRow:
			rows = nil
		case rows == nil:
			head, _, _ := strings.Cut(row, " |")
			rows = map[string][]string{}
			all[head] = rows
		default:
			cells := strings.Split(row, " |")
			rows[strings.Trim(cells[0], "`")] = cells[1:]
		}
	}
	return all
}

// members are the names of a struct's fields in JSON or YAML.
func members(of any, tag string) []string {
	var names []string
	for f := range reflect.TypeOf(of).Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get(tag), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func TestThePageOfTheEmulatorIsEqualToTheCode(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	var kinds, settings, assumptions []string
	for _, k := range injection.Kinds {
		kinds = append(kinds, k.Name)
	}
	for _, name := range members(emulator.Config{}, "yaml") {
		settings = append(settings, "lab.emulator."+name)
	}
	for _, name := range members(emulator.Assumed{}, "yaml") {
		assumptions = append(assumptions, "lab.emulator.assumed."+name)
	}
	var state map[string]any
	var operations map[string][]string
	must(t, json.Unmarshal([]byte(b.state()), &state))
	_, text := b.do("GET", "/_emu/operations", "")
	must(t, json.Unmarshal([]byte(text), &operations))
	page := tables(t)
	for table, want := range map[string][]string{
		"key": settings, "assumption": assumptions, "path": b.made.Paths(), "fault": kinds,
		"member": members(injection.Fault{}, "json"), "member of body": members(injection.Body{}, "json"),
		"member of advance": members(emulator.AdvanceRequest{}, "json"), "member of limits": members(emulator.LimitRequest{}, "json"),
		"member of an entry": members(journal.Entry{}, "json"), "member of the state": slices.Collect(maps.Keys(state)),
		"variable": slices.Collect(maps.Keys(b.made.Variables())), "service": slices.Collect(maps.Keys(operations)),
		"member of match": members(injection.Match{}, "json"),
	} {
		slices.Sort(want)
		if got := slices.Sorted(maps.Keys(page[table])); !slices.Equal(got, want) {
			t.Errorf("the table %q has %q, the code %q", table, got, want)
		}
	}
	for _, k := range injection.Kinds {
		cells := page["fault"][k.Name]
		if len(cells) < 3 || k.Operations != nil && !slices.Equal(strings.Fields(cells[1]), k.Operations) || !slices.Equal(strings.Fields(cells[2]), k.Reads) {
			t.Errorf("%s is on the page as %q, in the code as %v", k.Name, cells, k)
		}
	}
	for service, names := range operations {
		if cells := page["service"][service]; len(cells) == 0 || !slices.Equal(strings.Fields(cells[0]), names) {
			t.Errorf("%s is on the page as %q, in the code as %q", service, cells, names)
		}
	}
}
