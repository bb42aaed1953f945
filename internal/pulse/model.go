package pulse

// Model is how a process asks one model; counters are cumulative.
type Model struct {
	Name  string `json:"name"`
	Admit *Admit `json:"admit,omitempty"` // only where something may be refused
	Batch *Batch `json:"batch,omitempty"` // only where events may share calls
}

// Admit is what is let in to a model.
type Admit struct {
	Decisions map[string]int64 `json:"decisions,omitempty"` // pass, probe, late, would_be_late, priority
	Fallbacks int64            `json:"fallbacks,omitempty"` // of the refused, answered by another model
	Inside    int              `json:"inside"`
	NeedUS    int64            `json:"need_us,omitempty"`  // that one more would take; 0: not known
	AloneUS   int64            `json:"alone_us,omitempty"` // that one takes when nobody is before it; 0: not known
}

// Batch is how events share the calls to a model.
type Batch struct {
	Reasons  map[string]int64 `json:"reasons,omitempty"` // calls by why no more shared them: alone, free, full, bytes, deadline
	Sizes    []int64          `json:"sizes,omitempty"`   // calls about 1, 2, 3 and 4, 5 to 8, … events
	Events   int64            `json:"events"`
	Splits   int64            `json:"splits,omitempty"` // calls that failed and were parted
	UnderWay int              `json:"under_way"`
	Limit    int              `json:"limit"`             // calls at once that are worth while, as learned
	Most     int              `json:"most"`              // events that a call may be about now
	CallUS   float64          `json:"call_us,omitempty"` // what a call takes for itself, as learned
	EventUS  float64          `json:"event_us,omitempty"`
	Apart    bool             `json:"apart,omitempty"` // the model answers otherwise together than alone
	Waiting  int              `json:"waiting"`
	Lanes    []Lane           `json:"lanes,omitempty"` // of those that wait, the longest of them
}

// Lane is a line of events of one priority that may share a call.
type Lane struct {
	Priority int   `json:"priority"`
	Waiting  int   `json:"waiting"`
	OldestUS int64 `json:"oldest_us"` // that the first of them has waited
}
