package balance

import (
	"betimes/internal/model"
	"betimes/internal/setting"
)

// Config is how endpoints are asked.
type Config struct {
	Retries setting.Ratio `yaml:"retries" doc:"Most calls that are asked again inside an event's deadline after a fault of their endpoint (500, 503, 530, no connection), as a share of all calls of this process. More: a flickering endpoint costs fewer deadlines; less: an endpoint in trouble gets less load. What is not asked again here is waited out, never lost."`
	Zone    string        `yaml:"zone" doc:"Zone that this process is in: endpoints of the same zone are preferred until one elsewhere is twice as fast. Default: kafka.rack."`
	Sticky  string        `yaml:"sticky" doc:"key sends events of one key to the same endpoint of several, while it does its work: for models that keep something per key. off: every event goes where it is answered soonest."`
}

// The values of sticky.
const (
	StickyOff = "off"
	StickyKey = "key"
)

// DefaultConfig is a tenth: what a healthy service loses to a rolling change.
func DefaultConfig() Config { return Config{Retries: 0.1, Sticky: StickyOff} }

// Validate notes what is wrong.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	if c.Retries < 0 || c.Retries > 1 {
		ps.Add("retries", "%s is no share of all calls; write 0%% to 100%%", c.Retries)
	}
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
