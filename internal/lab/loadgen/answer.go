package loadgen

import (
	"time"

	"github.com/valyala/fastjson"

	"betimes/internal/event"
)

// answer is what the load needs of a prediction's envelope.
type answer struct {
	envelope bool // the value is one; else only the headers are known
	late     bool
	async    bool
	received time.Time
	stages   [event.NumStages]int64 // µs; -1: not passed
	total    int64                  // latency_us as the record has it
	score    float64
	scored   bool
}

// readAnswer reads a record of predictions. Other formats than the envelope
// give an answer that only tells the score, where one is found.
func readAnswer(p *fastjson.Parser, value []byte) answer {
	a := answer{}
	v, err := p.ParseBytes(value)
	if err != nil {
		return a
	}
	stages := v.GetObject("stages_us")
	if stages == nil || !v.Exists("latency_us") {
		a.score, a.scored = scoreOf(v, 0)
		return a
	}
	a.envelope, a.late, a.total = true, v.GetBool("late"), v.GetInt64("latency_us")
	a.async = string(v.GetStringBytes("status")) == "async"
	a.received, _ = time.Parse(time.RFC3339Nano, string(v.GetStringBytes("received")))
	for i := range a.stages {
		a.stages[i] = -1
	}
	stages.Visit(func(name []byte, us *fastjson.Value) {
		if s, ok := event.StageNamed(string(name)); ok {
			a.stages[s] = us.GetInt64()
		}
	})
	a.score, a.scored = scoreOf(v.Get("prediction"), 0)
	return a
}

// scoreNames are the members that hold a score, in the order of trust.
var scoreNames = [...]string{"score", "probability", "prediction", "predictions", "outputs", "data"}

// scoreOf finds the score within a model's answer: a number, the first of a
// list, or the member of an object that is named like one.
func scoreOf(v *fastjson.Value, depth int) (float64, bool) {
	if v == nil || depth > 4 {
		return 0, false
	}
	switch v.Type() {
	case fastjson.TypeNumber:
		return v.GetFloat64(), true
	case fastjson.TypeArray:
		if list := v.GetArray(); len(list) > 0 {
			return scoreOf(list[0], depth+1)
		}
	case fastjson.TypeObject:
		for _, name := range scoreNames {
			if score, ok := scoreOf(v.Get(name), depth+1); ok {
				return score, true
			}
		}
	}
	return 0, false
}
