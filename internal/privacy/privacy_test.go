package privacy

import (
	"strings"
	"testing"
)

func TestAPolicyShowsWhatItSaysAndNoMore(t *testing.T) {
	cases := map[Show]struct{ key, payload string }{
		"":       {"", "(11 bytes)"},
		None:     {"", "(11 bytes)"},
		Keys:     {"card-7", "(11 bytes)"},
		Payloads: {"card-7", `{"pan":411}`},
	}
	for show, want := range cases {
		p := Policy{Show: show, Salt: []byte("pipeline")}
		key := p.Key([]byte("card-7"))
		if want.key != "" && key != want.key || want.key == "" && (strings.Contains(key, "card") || !strings.HasPrefix(key, "#")) {
			t.Errorf("show %q: key %q", show, key)
		}
		if got := p.Payload([]byte(`{"pan":411}`), 100); got != want.payload {
			t.Errorf("show %q: payload %q", show, got)
		}
	}
}

func TestAHiddenKeyIsTheSameThroughoutAPipelineAndAnotherElsewhere(t *testing.T) {
	a, b := Policy{Salt: []byte("a")}, Policy{Salt: []byte("b")}
	again := Policy{Salt: []byte("a")}
	if a.Key([]byte("k")) != again.Key([]byte("k")) || a.Key([]byte("k")) == b.Key([]byte("k")) || a.Key([]byte("k")) == a.Key([]byte("l")) {
		t.Error("hashes do not tell keys and pipelines apart")
	}
}

func TestALongPayloadIsCut(t *testing.T) {
	if got := (Policy{Show: Payloads}).Payload([]byte(strings.Repeat("x", 50)), 10); len(got) > 20 || !strings.HasSuffix(got, "…") {
		t.Error(got)
	}
}

func TestNobodyWritesOnTheTerminalOfWhoeverLooks(t *testing.T) {
	for text, want := range map[string]string{
		"card-7":              "card-7",
		"größe 7 €":           "größe 7 €",
		"":                    "",
		"\x1b[2Jgone":         `"\x1b[2Jgone"`,
		"two\nlines\tand tab": `"two\nlines\tand tab"`,
		"\u009b31m":           `"\u009b31m"`,
		"\xff\x00":            `"\xff\x00"`,
		"a\u202eb":            `"a\u202eb"`,
	} {
		if got := Plain(text); got != want {
			t.Errorf("%q is shown as %s, not %s", text, got, want)
		}
		p := Policy{Show: Payloads}
		if got := p.Payload([]byte(text), 100); got != want && got != "two\nlines\tand tab" {
			t.Errorf("payload %q is shown as %s, not %s", text, got, want)
		}
		if got := p.Key([]byte(text)); got != want {
			t.Errorf("key %q is shown as %s, not %s", text, got, want)
		}
	}
}
