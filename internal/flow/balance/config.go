package balance

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"betimes/internal/model"
	"betimes/internal/setting"
)

// Config is how endpoints are asked.
type Config struct {
	Policy  string        `yaml:"policy" doc:"How one of several endpoints is chosen: latency, the one that is predicted to answer soonest. There is no other."`
	Retries setting.Ratio `yaml:"retries" doc:"Most calls that are asked again inside an event's deadline after a fault of their endpoint (500, 503, 530, no connection), as a share of all calls of this process. More: a flickering endpoint costs fewer deadlines; less: an endpoint in trouble gets less load. What is not asked again here is waited out, never lost."`
	Zone    string        `yaml:"zone" doc:"Zone that this process is in: endpoints of the same zone are preferred until one elsewhere is twice as fast. Default: kafka.rack."`
	Sticky  string        `yaml:"sticky" doc:"key sends events of one key to the same endpoint of several, while it does its work: for models that keep something per key. off: every event goes where it is answered soonest."`
	Hedge   *HedgeConfig  `yaml:"hedge" doc:"Whether a call that takes long is made a second time, at another endpoint; the first answer counts. For models with several endpoints that are marked pure. Default: off."`
}

// HedgeConfig is when calls are made a second time.
type HedgeConfig struct {
	At     Quantile      `yaml:"at" doc:"How long a call may take before it is made again: as long as this part of the newest calls took, p95 for 95 of 100; later where that would be more calls than the budget has. Smaller: shorter tails, more calls."`
	Budget setting.Ratio `yaml:"budget" doc:"Most second calls as a share of all calls of this process. None is made while more than 80% of what the endpoints can do is used, calls fail, or one was refused for load in the last 30 s."`
}

// DefaultHedge is what is used where only one of both is said.
func DefaultHedge() HedgeConfig { return HedgeConfig{At: 0.95, Budget: 0.03} }

// Validate notes what is wrong.
func (c HedgeConfig) Validate() setting.Problems {
	var ps setting.Problems
	if c.At < 0.5 || c.At > 0.999 {
		ps.Add("at", "%s is not between p50 and p99.9; write for example p95", c.At)
	}
	if c.Budget <= 0 || c.Budget > 1 {
		ps.Add("budget", "%s is no share of all calls; write for example 3%%, or hedge: off", c.Budget)
	}
	return ps
}

// Quantile is a part of calls, from the fastest, written p95.
type Quantile float64

// UnmarshalText reads p95 or p99.9.
func (q *Quantile) UnmarshalText(text []byte) error {
	digits, is := strings.CutPrefix(strings.TrimSpace(string(text)), "p")
	f, err := strconv.ParseFloat(digits, 64)
	if !is || err != nil || !(f >= 0 && f <= 100) {
		return fmt.Errorf("%q is not a quantile; write for example p95", text)
	}
	*q = Quantile(math.Round(f*1e6) / 1e8) // 99.9 / 100 is more than 0.999
	return nil
}

// MarshalText gives what UnmarshalText reads.
func (q Quantile) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// String gives p95.
func (q Quantile) String() string { return "p" + strconv.FormatFloat(100*float64(q), 'g', 6, 64) }

// PolicyLatency is the only policy.
const PolicyLatency = "latency"

// The values of sticky.
const (
	StickyOff = "off"
	StickyKey = "key"
)

// DefaultConfig is a tenth: what a healthy service loses to a rolling change.
func DefaultConfig() Config { return Config{Policy: PolicyLatency, Retries: 0.1, Sticky: StickyOff} }

// Validate notes what is wrong.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	if c.Retries < 0 || c.Retries > 1 {
		ps.Add("retries", "%s is no share of all calls; write 0%% to 100%%", c.Retries)
	}
	ps.OneOf("policy", c.Policy, PolicyLatency)
	ps.OneOf("sticky", c.Sticky, StickyOff, StickyKey)
	return ps
}

// Target is one endpoint of one model.
type Target struct {
	Model, Endpoint, Door string
	Variant               string // that alone is asked; empty: all
	Limit                 int    // most calls at once that there may ever be
	Preference
}

// Preference is what the owner says of one endpoint among several. The zero
// Preference is that of an endpoint like any other.
type Preference struct {
	Zone     string
	Weight   float64 // calls that it takes where another takes one; 0: 1
	Priority int     // the lowest is asked, the next while none before it can be
	Cost     float64 // of a call; the cheapest that is in time is asked
}

// MaxEndpoints is how many endpoints one model may have.
const MaxEndpoints = 64

// Route is an endpoint and the door to it, which makes one attempt per call.
type Route struct {
	Target Target
	Door   model.Invoker
}
