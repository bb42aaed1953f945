package main

import (
	"strings"
	"testing"

	"betimes/internal/app"
)

func TestARowOfASampleBecomesAnEvent(t *testing.T) {
	for name, c := range map[string]struct{ row, want string }{
		"numbers and text":                {"12,-0.5e3,tok", `{"a":12,"b":-0.5e3,"c":"tok"}`},
		"an empty cell is missing":        {"1,,x", `{"a":1,"c":"x"}`},
		"what JSON has no number for":     {"NaN,Inf,0x1p4", `{"a":"NaN","b":"Inf","c":"0x1p4"}`},
		"a number that JSON writes other": {"007,+1,1.", `{"a":"007","b":"+1","c":"1."}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readTable([]byte("a,b,c\n" + c.row + "\n"))
			if err != nil || len(got) != 1 || string(got[0].Value) != c.want {
				t.Errorf("%v, error %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestWhatIsTriedDoesNotWriteOnTheTerminal(t *testing.T) {
	var out strings.Builder
	tryFlags{}.print(&out, app.Tried{ID: "a", Input: []byte("\x1b[2J\x00"), Answer: []byte("{\n\t\"score\": 1\n}\n"), Prediction: []byte(`{"score":1}`)})
	if want := "a\n  input      \"\\x1b[2J\\x00\"\n  answer     {\n\t\"score\": 1\n}\n  prediction {\"score\":1}\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
