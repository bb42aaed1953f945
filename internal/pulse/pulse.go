package pulse

import (
	"encoding/json"
	"time"
)

// Pulse is one role's second. Counters and histograms count from the start of
// the process (Epoch); a reader subtracts two pulses of one Epoch.
type Pulse struct {
	Pipeline string    `json:"pipeline"`
	Instance string    `json:"instance"` // stable name of the process or worker
	Role     string    `json:"role"`     // gateway · stream · watch · …
	Admin    string    `json:"admin,omitempty"`
	Epoch    int64     `json:"epoch"` // Unix µs of the process start
	At       time.Time `json:"at"`

	// Stages are cumulative latency histograms by stage name, and "event" for
	// the whole from clock start to acknowledged prediction.
	Stages map[string]Histogram `json:"stages,omitempty"`
	// Outcomes count events by outcome: predicted, dead_letter, quarantined, shed, parked, duplicate, late; of a gateway accepted,
	// repeated, failed and turned_away (they would be late).
	Outcomes map[string]int64 `json:"outcomes,omitempty"`
	// Queue is what this role holds now.
	InFlight int `json:"in_flight"`
	Queued   int `json:"queued"`
	// Limit is how many may be in work at once: as set, or as learned.
	Limit int `json:"limit,omitempty"`
	// TakenPerS is how many events a second were taken in lately; Keys those that have
	// most of them.
	TakenPerS float64 `json:"taken_per_s,omitempty"`
	Keys      []Key   `json:"keys,omitempty"`
	// Lag is records behind by topic/partition, Delay the time behind.
	Lag []Lag `json:"lag,omitempty"`
	// Admission says how much is in time; only where late events are shed.
	Admission *Admission `json:"admission,omitempty"`
	// NeedUS is what each stage takes with an even chance, as what is left of an
	// event's time is reckoned with.
	NeedUS map[string]int64 `json:"need_us,omitempty"`
	// Models are how this process asks them.
	Models []Model `json:"models,omitempty"`
	// Endpoints as this role sees them.
	Endpoints []Endpoint `json:"endpoints,omitempty"`
	// Changes since the last pulse: config reloads, assignments, versions.
	Changes []Change `json:"changes,omitempty"`
}

// Admission is how much a process predicts in time.
type Admission struct {
	Rate   float64 `json:"rate"`    // events a second, learned while some were shed; 0: no bound is known
	NeedUS int64   `json:"need_us"` // that an event takes which waits for no other
}

// Key is one that many of the newest events have.
type Key struct {
	Key       string  `json:"key"` // as much of it as may be shown
	Partition int32   `json:"partition"`
	PerS      float64 `json:"per_s"`   // events a second, at least
	Waiting   int     `json:"waiting"` // for the one of it that is in work
}

// Lag is how far one partition is behind.
type Lag struct {
	Topic     string  `json:"topic"`
	Partition int32   `json:"partition"`
	Records   int64   `json:"records"`
	DelayS    float64 `json:"delay_s"`
}

// Endpoint is one endpoint as its caller sees it; counters are cumulative.
type Endpoint struct {
	Model       string           `json:"model"`
	Name        string           `json:"name"`
	Door        string           `json:"door"` // sagemaker · rest · oip
	Up          bool             `json:"up"`
	InFlight    int              `json:"in_flight"`
	Limit       int              `json:"limit,omitempty"`       // calls at once, as learned
	Invocations map[string]int64 `json:"invocations,omitempty"` // by class, "ok" included
	Latency     Histogram        `json:"latency,omitzero"`
	LastError   string           `json:"last_error,omitempty"`
	Out         bool             `json:"out,omitempty"`        // of several, and left alone because it failed
	LearnedUS   int64            `json:"learned_us,omitempty"` // that a call takes, as endpoints are compared; 0: not known
	Retries     int64            `json:"retries,omitempty"`    // calls that were made again after one of its faults
	Hedges      map[string]int64 `json:"hedges,omitempty"`     // second calls: won, lost, failed; those not made after a first one here: budget, busy, errors, late, nowhere
}

// Change is something that happened to the role and may explain a rise.
type Change struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	What string    `json:"what"`
}

// Encode gives the JSON of the record's value.
func (p *Pulse) Encode() ([]byte, error) { return json.Marshal(p) }

// Decode reads the JSON of a record's value.
func Decode(value []byte) (Pulse, error) {
	var p Pulse
	err := json.Unmarshal(value, &p)
	return p, err
}
