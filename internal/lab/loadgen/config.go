package loadgen

import (
	"os"
	"slices"
	"strings"
	"time"

	"betimes/internal/pointer"
	"betimes/internal/setting"
)

// The workloads.
const (
	Payments = "payments" // card payments with a fraud label
	Crayfish = "crayfish" // 784 numbers an event
	Input    = "input"    // lines of a file
)

// The shapes. A trace is written trace:FILE.
const (
	Steady  = "steady"
	Poisson = "poisson"
	Burst   = "burst"
	Ramp    = "ramp"
	trace   = "trace:"
)

// greatestRate is what one generator can pace with some sense, events a second.
const greatestRate = 1_000_000

// Config says what to send and when. Its fields are the flags of load.
type Config struct {
	Workload string        `yaml:"workload" doc:"payments, crayfish or input."`
	Input    string        `yaml:"input" doc:"File of events for the workload input: NDJSON, or CSV with a header when its name ends in .csv."`
	Rate     float64       `yaml:"rate" doc:"Events a second, the mean of the shape (its end, for ramp). 0, only with input: by the events' own times."`
	Shape    string        `yaml:"shape" doc:"steady, poisson, burst (one second in ten is five times as busy), ramp (from 0 to rate) or trace:FILE (a line per event: seconds from the start, or RFC 3339)."`
	For      time.Duration `yaml:"for" doc:"How long to send. 0: until stopped, or until the file ends."`
	Seed     uint64        `yaml:"seed" doc:"The same seed sends the same events at the same moments."`
	Dirt     setting.Ratio `yaml:"dirt" doc:"Share of the payments with missing fields, wrong units, repeated, late or malformed."`

	Key       string `yaml:"key" doc:"JSON pointer to the key within an event of a file, for sending straight to the brokers."`
	EventTime string `yaml:"event_time" doc:"JSON pointer to an event's own time, for a file with rate 0."`
	Label     string `yaml:"label" doc:"JSON pointer to the true label, 0 or 1, of the events of a file; a CSV's column of it is not sent."`

	Warmup time.Duration `yaml:"warmup" doc:"How long after the start events are sent and counted, but not measured."`
	Settle time.Duration `yaml:"settle" doc:"After the last event: how long to wait without any progress for what was accepted and has not ended."`
	Run    string        `yaml:"-" doc:"Begins every id; empty: made of the time, so that two runs never share an id."`
}

// DefaultConfig is half a minute of payments, 500 a second.
func DefaultConfig() Config {
	return Config{
		Workload: Payments, Rate: 500, Shape: Steady, For: 30 * time.Second, Seed: 1, Settle: 30 * time.Second,
	}
}

// Validate tells every value that cannot be.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	ps.OneOf("workload", c.Workload, Payments, Crayfish, Input)
	c.validateShape(&ps)
	c.validateInput(&ps)
	if c.Dirt < 0 || c.Dirt > 1 {
		ps.Add("dirt", "%s is not a share of 100%%; write for example 5%%", c.Dirt)
	}
	if c.Dirt > 0 && c.Workload != Payments {
		ps.Add("dirt", "%s has no effect on workload %s; leave it out or use workload payments", c.Dirt, c.Workload)
	}
	for _, d := range []struct {
		path string
		d    time.Duration
	}{{"for", c.For}, {"warmup", c.Warmup}, {"settle", c.Settle}} {
		if d.d < 0 {
			ps.Add(d.path, "%s is negative; write for example 30s", d.d)
		}
	}
	if c.For > 0 && c.Warmup >= c.For {
		ps.Add("warmup", "%s leaves nothing of the %s of for to measure; lower it", c.Warmup, c.For)
	}
	if strings.ContainsFunc(c.Run, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
		ps.Add("run", "%q is not plain printable ASCII; ids begin with it", c.Run)
	}
	return ps
}

func (c Config) validateShape(ps *setting.Problems) {
	if path, ok := strings.CutPrefix(c.Shape, trace); ok {
		if _, err := os.Stat(path); err != nil {
			ps.Add("shape", "the trace cannot be read: %v", err)
		}
		return
	}
	if !slices.Contains([]string{Steady, Poisson, Burst, Ramp}, c.Shape) {
		ps.Add("shape", "%q is not known; use steady, poisson, burst, ramp or trace:FILE", c.Shape)
	}
	if c.Shape == Ramp && c.For == 0 {
		ps.Add("for", "0s gives a ramp no end; say how long it rises")
	}
	ownTimes := c.Workload == Input && c.Rate == 0
	if !ownTimes && (c.Rate <= 0 || c.Rate > greatestRate || c.Rate != c.Rate) {
		ps.Add("rate", "%g is not a number of events a second up to %d", c.Rate, greatestRate)
	}
}

func (c Config) validateInput(ps *setting.Problems) {
	if (c.Workload == Input) != (c.Input != "") {
		ps.Add("input", "%q with workload %s; a file and workload input go together", c.Input, c.Workload)
	}
	if c.Input != "" {
		if _, err := os.Stat(c.Input); err != nil {
			ps.Add("input", "the file cannot be read: %v", err)
		}
	}
	if c.Workload == Input && c.Rate == 0 && c.EventTime == "" && !strings.HasPrefix(c.Shape, trace) {
		ps.Add("event_time", "is empty, and rate 0 replays by the events' own times; name their field, or give a rate")
	}
	for _, p := range []struct{ path, pointer string }{{"key", c.Key}, {"event_time", c.EventTime}, {"label", c.Label}} {
		if _, err := pointer.Parse(p.pointer); err != nil {
			ps.Add(p.path, "%v", err)
		}
		if p.pointer != "" && c.Workload != Input {
			ps.Add(p.path, "%s has no effect on workload %s; leave it out", p.pointer, c.Workload)
		}
	}
}
