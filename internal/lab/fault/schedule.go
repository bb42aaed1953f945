package fault

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Means is what is done to a process.
type Means int

// The means.
const (
	Kill      Means = iota // SIGKILL; it is started again
	Terminate              // SIGTERM; it is started again when it has ended
	Stop                   // SIGSTOP, and SIGCONT after Blow.For
	Starve                 // no more file descriptors than it has, for Blow.For
)

// String names the means.
func (m Means) String() string { return [...]string{"kill", "terminate", "stop", "starve"}[m] }

// Blow is one fault of one process.
type Blow struct {
	At   time.Duration // since the beginning
	Who  string
	What Means
	For  time.Duration // of Stop and Starve
}

// String tells it in a line.
func (b Blow) String() string {
	text := fmt.Sprintf("%s %s %s", b.At.Round(time.Millisecond), b.What, b.Who)
	if b.For > 0 {
		text += fmt.Sprintf(" for %s", b.For.Round(time.Millisecond))
	}
	return text
}

// Plan decides a Schedule.
type Plan struct {
	Seed        uint64
	Count       int      // of blows
	Who         []string // processes
	Means       []Means
	Least, Most time.Duration // between two blows
	// Soon is the share of blows that come within a fifth of Least after the one
	// before: what is just starting is hit too.
	Soon                float64
	HoldLeast, HoldMost time.Duration // of Stop and Starve
	Period              time.Duration // of one mix of means; zero: ten times Most
}

// Schedule makes the blows of a Plan, in order. A quarter of the periods is
// quiet, so that what a fault leaves behind has time to be seen, and each of the
// others prefers one of the means.
func Schedule(p Plan) []Blow {
	random := rand.New(rand.NewPCG(p.Seed, 17))
	if p.Period == 0 {
		p.Period = 10 * p.Most
	}
	s := scheduler{plan: p, random: random, period: -1}
	var all []Blow
	at := p.Least // something is under way then
	for len(all) < p.Count {
		at = s.noisy(at + s.gap())
		all = append(all, s.blow(at))
	}
	return all
}

// scheduler is a Schedule in the making.
type scheduler struct {
	plan   Plan
	random *rand.Rand
	period int // the newest that was decided
	quiet  int // of its four
	prefer Means
}

func (s *scheduler) gap() time.Duration {
	if s.random.Float64() < s.plan.Soon {
		return s.between(0, s.plan.Least/5)
	}
	return s.between(s.plan.Least, s.plan.Most)
}

func (s *scheduler) between(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + time.Duration(s.random.Int64N(int64(most-least)))
}

// noisy moves a moment out of a quiet period, and decides periods as they come.
func (s *scheduler) noisy(at time.Duration) time.Duration {
	for {
		now := int(at / s.plan.Period)
		for s.period < now {
			s.period++
			if s.period%4 == 0 {
				s.quiet = s.random.IntN(4)
			}
			s.prefer = s.plan.Means[s.random.IntN(len(s.plan.Means))]
		}
		if now%4 != s.quiet {
			return at
		}
		at = time.Duration(now+1) * s.plan.Period
	}
}

func (s *scheduler) blow(at time.Duration) Blow {
	b := Blow{At: at, Who: s.plan.Who[s.random.IntN(len(s.plan.Who))], What: s.prefer}
	if s.random.IntN(2) == 0 {
		b.What = s.plan.Means[s.random.IntN(len(s.plan.Means))]
	}
	if slices.Contains([]Means{Stop, Starve}, b.What) {
		b.For = s.between(s.plan.HoldLeast, s.plan.HoldMost)
	}
	return b
}
