package app

import (
	"runtime/debug"
	"testing"

	"betimes/internal/setting"
)

func TestTheLimitOfMemoryIsForWhatIsTouched(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	for name, c := range map[string]struct {
		memory setting.AutoBytes
		gogc   string
		want   int64 // untouched
	}{
		"plenty":                       {1 << 30, "", untouched},
		"little":                       {32 << 20, "", 2 << 20},
		"collections set from outside": {1 << 30, "100", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOGC", c.gogc)
			a := &App{}
			a.config.Memory = c.memory
			a.useMemory()
			if got := int64(len(a.untouched)); got != c.want {
				t.Errorf("%d bytes are never touched, want %d", got, c.want)
			}
			if got := debug.SetMemoryLimit(-1) - c.want; got != int64(c.memory) {
				t.Errorf("what is touched may be %d bytes, want %d", got, c.memory)
			}
		})
	}
}
