package loadgen

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// moments runs a schedule to its end.
func moments(t *testing.T, c Config) []time.Duration {
	t.Helper()
	s, err := newSchedule(c)
	if err != nil {
		t.Fatal(err)
	}
	s = s.cut(c.For)
	var list []time.Duration
	for {
		at, err := s()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := len(list); n > 0 && at < list[n-1] {
			t.Fatalf("event %d at %s, before the one before it", n, at)
		}
		list = append(list, at)
	}
}

func within(list []time.Duration, from, to time.Duration) int {
	n := 0
	for _, at := range list {
		if at >= from && at < to {
			n++
		}
	}
	return n
}

func TestEveryShapeKeepsItsRate(t *testing.T) {
	c := DefaultConfig()
	c.Rate, c.For = 1000, 20*time.Second
	for shape, want := range map[string]struct{ total, firstSecond, slack int }{
		Steady: {20_000, 1000, 0}, Poisson: {20_000, 1000, 500}, Burst: {20_000, 3571, 1}, Ramp: {10_000, 25, 1},
	} {
		c.Shape = shape
		list := moments(t, c)
		first := within(list, 0, time.Second)
		if abs(len(list)-want.total) > want.slack || abs(first-want.firstSecond) > max(want.slack/4, 1) {
			t.Errorf("%s: %d events, %d in the first second; want %d and %d", shape, len(list), first, want.total, want.firstSecond)
		}
	}
}

func abs(n int) int { return max(n, -n) }

func TestABurstIsFiveTimesAsBusyAsTheRest(t *testing.T) {
	c := DefaultConfig()
	c.Shape, c.Rate, c.For = Burst, 1400, 20*time.Second
	list := moments(t, c)
	for second, want := range map[int]int{0: 5000, 1: 1000, 9: 1000, 10: 5000, 19: 1000} {
		from := time.Duration(second) * time.Second
		if got := within(list, from, from+time.Second); abs(got-want) > 1 {
			t.Errorf("second %d: %d events, want %d", second, got, want)
		}
	}
}

func TestARampEndsAtItsRate(t *testing.T) {
	c := DefaultConfig()
	c.Shape, c.Rate, c.For = Ramp, 1000, 10*time.Second
	if got := within(moments(t, c), 9*time.Second, 10*time.Second); abs(got-950) > 1 {
		t.Errorf("%d events in the last second, want 950", got)
	}
}

func TestTheSameSeedGivesTheSameMoments(t *testing.T) {
	c := DefaultConfig()
	c.Shape = Poisson
	a, b := moments(t, c), moments(t, c)
	c.Seed = 2
	if a[99] != b[99] || a[99] == moments(t, c)[99] {
		t.Error("seed 1 twice must give the same moments, seed 2 others")
	}
}

func TestATraceIsReadLineByLine(t *testing.T) {
	for name, c := range map[string]struct {
		text, want, err string
	}{
		"seconds":             {"0\n0.5\n1.25\n", "0s 500ms 1.25s", ""},
		"a header, more cols": {"seconds,what\n0,x\n2,y\n", "0s 2s", ""},
		"absolute":            {"2026-01-05T08:00:00Z\n\n2026-01-05T08:00:01.5Z\n", "0s 1.5s", ""},
		"out of order":        {"1\n0.5\n", "", "line 2: 0.5 is before the line above"},
		"text":                {"1\nsoon\n", "", `line 2: "soon" is neither seconds nor RFC 3339`},
	} {
		path := filepath.Join(t.TempDir(), "trace")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := newSchedule(Config{Shape: "trace:" + path})
		var got []string
		for err == nil {
			var at time.Duration
			if at, err = s(); err == nil {
				got = append(got, at.String())
			}
		}
		if c.err == "" && (!errors.Is(err, io.EOF) || strings.Join(got, " ") != c.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if c.err != "" && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %s", name, err, c.err)
		}
	}
}

func TestThePacerWaitsUntilTheMomentAndNotBeyondItsContext(t *testing.T) {
	pace, free := newPacer()
	defer free()
	until := time.Now().Add(5 * time.Millisecond)
	pace(t.Context(), until)
	if time.Now().Before(until) {
		t.Error("it returned before the moment")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	pace(ended, time.Now().Add(time.Hour)) // returns, or the test never ends
}

func TestValidateNamesEveryValueThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"workload":             {func(c *Config) { c.Workload = "orders" }, `workload: "orders" is not known; use payments, crayfish, input`},
		"shape":                {func(c *Config) { c.Shape = "wave" }, `shape: "wave" is not known`},
		"trace without a file": {func(c *Config) { c.Shape = "trace:/nowhere/at/all" }, "shape: the trace cannot be read"},
		"rate":                 {func(c *Config) { c.Rate = -1 }, "rate: -1 is not a number of events a second"},
		"endless ramp":         {func(c *Config) { c.Shape, c.For = Ramp, 0 }, "for: 0s gives a ramp no end"},
		"negative time":        {func(c *Config) { c.For = -time.Second }, "for: -1s is negative"},
		"warm-up too long":     {func(c *Config) { c.Warmup = time.Hour }, "warmup: 1h0m0s leaves nothing"},
		"dirt":                 {func(c *Config) { c.Dirt = 2 }, "dirt: 200% is not a share"},
		"dirt on another":      {func(c *Config) { c.Workload, c.Dirt = Crayfish, 0.1 }, "dirt: 10% has no effect"},
		"no file":              {func(c *Config) { c.Workload = Input }, `input: "" with workload input`},
		"file of another":      {func(c *Config) { c.Input = "x" }, `input: "x" with workload payments`},
		"key of another":       {func(c *Config) { c.Key = "/id" }, "key: /id has no effect"},
		"pointer":              {func(c *Config) { c.Key = "id" }, "key: "},
		"run":                  {func(c *Config) { c.Run = "a b" }, `run: "a b" is not plain`},
	} {
		config := DefaultConfig()
		c.change(&config)
		var texts []string
		for _, p := range config.Validate() {
			texts = append(texts, p.Error())
		}
		if !strings.Contains(strings.Join(texts, "\n"), c.want) {
			t.Errorf("%s: %q, want %s", name, texts, c.want)
		}
	}
	if ps := DefaultConfig().Validate(); len(ps) > 0 {
		t.Errorf("the default: %v", ps)
	}
}
