package admit

import "betimes/internal/setting"

// Config is what becomes of events that cannot be in time.
type Config struct {
	Late     string `yaml:"late" doc:"What becomes of an event that cannot be predicted by its deadline: predict (it is, in order, and marked late) or shed (it goes to the topic shed with the reason, no call begins for it after its deadline, and the gateway answers 429 while events would be late)."`
	Backlog  string `yaml:"backlog" doc:"With late: shed, what becomes of events that were in the log before this worker got the partition, and are too late: predict or shed."`
	Fallback string `yaml:"fallback" doc:"Name of another, quicker model that answers where the event's own could not in time, with status fallback. Empty: none."`
}

// The values of late and backlog.
const (
	Predict = "predict"
	Shed    = "shed"
	async   = "async"
)

// DefaultConfig predicts everything.
func DefaultConfig() Config { return Config{Late: Predict, Backlog: Predict} }

// Validate notes what is wrong.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	switch c.Late {
	case async:
		ps.Add("late", "async needs the slow road (flow.async), which this version does not have; write predict or shed")
	default:
		ps.OneOf("late", c.Late, Predict, Shed)
	}
	ps.OneOf("backlog", c.Backlog, Predict, Shed)
	if c.Backlog == Shed && c.Late != Shed {
		ps.Add("backlog", "shed does nothing with late: %s; write late: shed, or remove it", c.Late)
	}
	return ps
}

// Active says whether anything is ever refused.
func (c Config) Active() bool { return c.Late == Shed || c.Fallback != "" }
