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
