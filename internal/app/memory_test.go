package app

import (
	"log/slog"
	"runtime/debug"
	"testing"

	"betimes/internal/setting"
)

func TestTheLimitOfMemoryIsForWhatIsTouched(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	for name, c := range map[string]struct {
		memory          setting.AutoBytes
		gogc, limit     string
		want, mayBeUsed int64 // untouched, and beside that
	}{
		"plenty":                          {1 << 30, "", "", untouched, 1 << 30},
		"little":                          {32 << 20, "", "", 2 << 20, 32 << 20},
		"collections set from outside":    {1 << 30, "100", "", 0, 1 << 30},
		"the limit set from outside":      {0, "", "320MiB", untouched, 320 << 20},
		"both are set, the file's counts": {64 << 20, "", "320MiB", 4 << 20, 64 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOGC", c.gogc)
			t.Setenv("GOMEMLIMIT", c.limit)
			a := &App{log: slog.New(slog.DiscardHandler)}
			a.config.Memory = c.memory
			a.useMemory()
			if got := int64(len(a.untouched)); got != c.want {
				t.Errorf("%d bytes are never touched, want %d", got, c.want)
			}
			if got := debug.SetMemoryLimit(-1) - c.want; got != c.mayBeUsed {
				t.Errorf("what is touched may be %d bytes, want %d", got, c.mayBeUsed)
			}
		})
	}
}
