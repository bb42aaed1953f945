package setting

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestASizeIsReadAndWrittenAsPeopleWriteIt(t *testing.T) {
	for text, want := range map[string]string{"1048576": "1MiB", "64MiB": "64MiB", "1GiB": "1GiB", "1500": "1500", "10B": "10", "0": "0", "512 KiB": "512KiB"} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || b.String() != want {
			t.Errorf("%s reads as %s, %v; want %s", text, b, err, want)
		}
	}
	for _, text := range []string{"", "-1", "1.5MiB", "64MB", "9999999999GiB", "much"} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %s", text, b)
		}
	}
}

func TestARatioIsAShareOrAPercentage(t *testing.T) {
	for text, want := range map[string]Ratio{"99%": 0.99, "0.5": 0.5, "0%": 0, "3 %": 0.03} {
		var r Ratio
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want {
			t.Errorf("%s reads as %v, %v", text, float64(r), err)
		}
	}
	for _, text := range []string{"", "-1%", "NaN", "half"} {
		var r Ratio
		if err := r.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %v", text, float64(r))
		}
	}
}

func TestAutoIsAutoOrANumberFromOne(t *testing.T) {
	var a Auto
	if err := a.UnmarshalText([]byte("auto")); err != nil || a != 0 {
		t.Error(a, err)
	}
	for _, text := range []string{"0", "-3", "1.5", "many"} {
		if err := a.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestASecretIsNeverPrinted(t *testing.T) {
	s := NewSecret("hunter2")
	holder := struct{ Password Secret }{s}
	printed := fmt.Sprint(s, holder) + fmt.Sprintf("%v %+v %#v %s %q", s, holder, holder, s, s)
	data, err := json.Marshal(holder)
	if err != nil || strings.Contains(printed+string(data), "hunter2") {
		t.Errorf("%s %s %v", printed, data, err)
	}
}

func TestASecretInAFileFollowsTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	s := NewSecret("file:" + file)
	if _, err := s.Value(); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file that is not there: %v", err)
	}
	for _, value := range []string{"first", "second"} {
		if err := os.WriteFile(file, []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Value(); err != nil || got != value {
			t.Errorf("reads as %q, %v", got, err)
		}
	}
}

func TestProblemsAreCollectedUnderTheirSection(t *testing.T) {
	var inner, outer Problems
	inner.OneOf("order", "chaos", "key")
	inner.Positive("timeout", 0)
	inner.Address("listen", "nowhere")
	outer.Under("flow.stream", inner)
	if len(outer) != 3 || outer[0].Error() != `flow.stream.order: "chaos" is not known; use key` {
		t.Errorf("%v", outer)
	}
}
