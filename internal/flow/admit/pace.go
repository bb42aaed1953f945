package admit

import (
	"slices"
	"time"

	"betimes/internal/budget"
	"betimes/internal/event"
	"betimes/internal/pulse"
)

// Pace is what a process tells gateways of how much it predicts in time. One goroutine
// asks it, once for each pulse.
type Pace struct {
	live            *budget.Live
	predicted, shed int64
	at              time.Time
	rates           []float64 // of the newest seconds in which events were shed
	rate            float64   // told; zero: no bound is known
	quiet           int       // seconds in a row without any event
}

const (
	fewShed  = 5    // in a second say nothing
	someShed = 0.02 // of all: it does what it can
	rateSpan = 5    // seconds of which the best counts
	recovery = 1.1  // more each second in which nothing is shed
	unbound  = 10   // times the bound: it is none any more
	tried    = 1    // event a second where none is in time: so that it is found out when one is again
	allQuiet = 10   // seconds without any event: what was known is of another time
)

// NewPace makes one of a process whose events take what live says.
func NewPace(live *budget.Live) *Pace { return &Pace{live: live} }

// Tell gives what a pulse says, from the counts since the start.
func (p *Pace) Tell(predicted, shed int64, now time.Time) *pulse.Admission {
	good, bad := predicted-p.predicted, shed-p.shed
	since := now.Sub(p.at).Seconds()
	first := p.at.IsZero()
	p.predicted, p.shed, p.at = predicted, shed, now
	if !first && since > 0 {
		p.learn(float64(good)/since, bad >= fewShed && float64(bad) >= someShed*float64(good+bad))
		p.rest(good+bad == 0)
	}
	need, _ := Alone(p.live)
	return &pulse.Admission{Rate: p.rate, NeedUS: need.Microseconds()}
}

func (p *Pace) learn(rate float64, pressed bool) {
	switch {
	case pressed:
		p.rates = append(p.rates, rate)
		p.rates = p.rates[max(0, len(p.rates)-rateSpan):]
		p.rate = max(slices.Max(p.rates), tried)
	case p.rate <= 0:
	case p.rate <= tried && rate <= 0: // none of those that were tried was in time
	case p.rate <= tried:
		p.forget()
	default:
		if p.rate *= recovery; p.rate > unbound*slices.Max(p.rates) {
			p.forget()
		}
	}
}

// rest counts seconds without any event.
func (p *Pace) rest(nothing bool) {
	if !nothing {
		p.quiet = 0
		return
	}
	if p.quiet++; p.quiet >= allQuiet {
		p.forget()
	}
}

func (p *Pace) forget() { p.rate, p.rates = 0, nil }

// Alone is what an event takes from the start of its clock when it waits for no other;
// zero: nothing is known. waits says that half of them do wait.
func Alone(live *budget.Live) (takes time.Duration, waits bool) {
	n := live.Needs()
	waited := time.Duration(0)
	for _, s := range []event.Stage{event.StageQueue, event.StageBatch, event.StageBalance} {
		waited += n[s]
	}
	for _, s := range []event.Stage{event.StageBroker, event.StageQueue, event.StageBatch, event.StageBalance} {
		n[s] = live.Need(s, alone)
	}
	takes = n[event.StageGateway] + n.After(event.StageGateway)
	return takes, waited > takes/10
}

// alone is the chance of an event that waits for no other.
const alone = 0.1
