//go:build failpoints

package failpoint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAPointActsAtItsTimeAndOnlyThen(t *testing.T) {
	p, err := parse("a.b:error:2,c.d:delay=20ms")
	if err != nil {
		t.Fatal(err)
	}
	p.log = filepath.Join(t.TempDir(), "log")
	var did []string
	for _, name := range []string{"a.b", "a.b", "c.d", "a.b", "other"} {
		did = append(did, p.reach(name).what)
	}
	if got := strings.Join(did, " "); got != " error delay  " {
		t.Errorf("it did %q", got)
	}
	if text, err := os.ReadFile(p.log); err != nil || string(text) != "a.b\nc.d\nother\n" {
		t.Errorf("the log says %q, %v", text, err)
	}
	if d := p.actions[1].delay; d != 20*time.Millisecond {
		t.Errorf("delay is %s", d)
	}
}

func TestWhatIsNoPlanIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no action":      "a.b",
		"unknown action": "a.b:explode",
		"no name":        ":kill",
		"never":          "a.b:kill:0",
		"no number":      "a.b:kill:x",
		"no duration":    "a.b:delay=x",
		"too much":       "a.b:kill:1:2",
	} {
		t.Run(name, func(t *testing.T) {
			if p, err := parse(text); err == nil {
				t.Errorf("%q was taken as %v", text, p.actions)
			}
		})
	}
}
