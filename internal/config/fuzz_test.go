package config

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestHugeAndDeepFilesAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"too long":       "# " + strings.Repeat("x", maxFileBytes),
		"deep lists":     "a: " + strings.Repeat("[", 100_000),
		"deep keys":      "a: " + strings.Repeat("{a: ", 100_000),
		"deep dashes":    strings.Repeat("- ", 100_000),
		"deep questions": strings.Repeat("? ", 100_000),
		"deep columns":   deepColumns(1000),
		"binary":         "\xff\xfe\x00",
		"aliases":        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("v1.yaml", []byte(text), Options{Env: env()})
			if err == nil || !strings.HasPrefix(err.Error(), "v1.yaml") {
				t.Errorf("%v", err)
			}
			if err != nil && len(err.Error()) > 2000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

func deepColumns(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{"{}", "name: a\n", "a: [1, {b: c}]", "flow: {route: [{when: x, model: y}]}", "kafka: {topics: {events: {partitions: 1}}}", "? a\n: b", "name: ${X:-y}"} {
		f.Add([]byte(seed), "objective.latency=1s")
	}
	for _, name := range []string{"v1-simplified", "rest-server", "own-model"} {
		if data, err := os.ReadFile("../../examples/" + name + ".yaml"); err == nil {
			f.Add(data, "flow.route[0]={}")
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, set string) {
		l, err := Parse("fuzz/v1.yaml", data, Options{Env: env("X", "1"), Set: []string{set}})
		if err == nil {
			// What is good can be printed, drawn and compared.
			if err := l.Print(&strings.Builder{}); err != nil || Diagram(l.Config) == "" || len(Diff(l.Config, l.Config)) != 0 {
				t.Errorf("%v %v", err, Diff(l.Config, l.Config))
			}
			return
		}
		var all *Error
		if !errors.As(err, &all) || len(all.Problems) == 0 {
			t.Fatalf("no problems in %v", err)
		}
		for _, p := range all.Problems {
			if p.Text == "" || p.Origin.place() == "" && p.Path == "" {
				t.Errorf("a problem without place or text: %+v", p)
			}
		}
	})
}
