package event

import "testing"

func TestASourceIsReadAsItIsWritten(t *testing.T) {
	for _, want := range []Source{{"events", 0, 0}, {"a.b-c_d", 11, 1 << 40}, {"odd:topic", 1, 2}} {
		if got, ok := ParseSource(want.String()); !ok || got != want {
			t.Errorf("%s: read as %v, %v", want, got, ok)
		}
	}
	for _, text := range []string{"", ":", "::", "events", "events:1", ":1:2", "events:x:2", "events:1:x", "events:-1:2", "events:1:-2", "events:99999999999:1"} {
		if got, ok := ParseSource(text); ok {
			t.Errorf("%q: read as %v", text, got)
		}
	}
}

func TestAReplayedEventComesFromWhereItFirstCameIn(t *testing.T) {
	for header, want := range map[string]int64{
		"events:1:5": 5, "": 9, "events:1:9": 9, "events:1:10": 9, "events:2:5": 9, "others:1:5": 9, "events:1": 9, "nonsense": 9,
	} {
		e := Event{Source: Source{"events", 1, 9}, Headers: []Header{{HeaderOrigin, []byte(header)}}}
		if got, replayed := e.Origin(); got != want || replayed != (want != 9) {
			t.Errorf("%q: %d, %v", header, got, replayed)
		}
	}
}
