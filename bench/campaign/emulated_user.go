package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// user is one of several who work with an emulator at once, each with things of its own.
type user struct {
	*rand.Rand
	e      *emulated
	name   string
	serial int
	images images
	things []*register

	// What is written again.
	objects     []*register
	models      []*register
	endpoints   []*hosted
	jobs        []string
	tags        map[string]*register // by key
	data, alarm *register

	queue, topic string               // URL, ARN
	sent         map[string]*register // by message body
	received     map[string]struct{}  // what the queue held in the end

	tallies, refusals, outcomes map[string]int
	problems                    []string
}

func newUser(e *emulated, name string, random *rand.Rand) *user {
	return &user{Rand: random, e: e, name: name, tags: map[string]*register{}, sent: map[string]*register{},
		tallies: map[string]int{}, refusals: map[string]int{}, outcomes: map[string]int{}}
}

// open makes what the user works with.
func (u *user) open(ctx context.Context) error {
	u.data, u.alarm = u.tally(time.Now()), u.threshold()
	if err := u.openQueue(ctx); err != nil {
		return err
	}
	return u.prepare(ctx)
}

// lastLook checks everything. The emulator is at rest.
func (u *user) lastLook(ctx context.Context) {
	err := u.drainQueue(ctx)
	for _, name := range u.jobs {
		if err == nil {
			err = u.judgeJob(ctx, name)
		}
	}
	if err != nil {
		u.problems = append(u.problems, err.Error())
	}
	for _, r := range u.things {
		u.look(ctx, r)
	}
}

// images are the programs that endpoints and jobs run.
type images struct{ serve, train string }

// acts are what a user does, and how often of 100 times.
func (u *user) acts() []act {
	return []act{
		{24, u.putObject}, {4, u.putParts}, {6, u.deleteObject}, {12, u.sendMessage}, {8, u.takeMessage}, {8, u.publish},
		{8, u.putDatum}, {4, u.putAlarm}, {5, u.tagModel}, {5, u.createModel}, {3, u.deleteModel}, {3, u.registerPackage},
		{4, u.createEndpoint}, {4, u.updateEndpoint}, {2, u.deleteEndpoint}, {3, u.scaleEndpoint}, {8, u.invoke}, {5, u.invokeAsync},
		{4, u.train}, {2, u.stopJob}, {20, u.lookAgain},
	}
}

type act struct {
	share int
	do    func(ctx context.Context)
}

// work acts until ctx ends.
func (u *user) work(ctx context.Context) {
	acts := u.acts()
	sum := 0
	for _, a := range acts {
		sum += a.share
	}
	for ctx.Err() == nil {
		at := u.IntN(sum)
		for _, a := range acts {
			if at -= a.share; at < 0 {
				a.do(ctx)
				break
			}
		}
		_ = pause(ctx, time.Duration(u.IntN(20))*time.Millisecond)
	}
}

// id is a name that was never used.
func (u *user) id(kind string) string {
	u.serial++
	return fmt.Sprintf("%s-%s-%d", kind, u.name, u.serial)
}

// write counts an answer and says what is known now.
func (u *user) write(ctx context.Context, a answered, err error) certainty {
	switch {
	case err != nil:
		u.tallies["open"]++
		u.awaitLife(ctx)
		return open
	case a.done():
		u.tallies["done"]++
		return sure
	case a.status >= http.StatusInternalServerError:
		u.problems = append(u.problems, "answered "+a.refusal())
		return open
	}
	u.tallies["refused"]++
	u.refusals[a.refusal()]++
	return refused
}

// awaitLife waits until the emulator answers again, or ctx ends.
func (u *user) awaitLife(ctx context.Context) {
	for ctx.Err() == nil {
		if _, err := u.e.ask(ctx, http.MethodGet, "/_emu/faults", nil); err == nil {
			return
		}
		_ = pause(ctx, 20*time.Millisecond)
	}
}

// keep remembers a thing that was not there before.
func (u *user) keep(r *register) *register {
	r.may = append(r.may, "")
	u.things = append(u.things, r)
	return r
}

// lookAgain checks one thing of those that can be looked at any time.
func (u *user) lookAgain(ctx context.Context) {
	if len(u.things) == 0 {
		return
	}
	r := u.things[u.IntN(len(u.things))]
	if !r.late {
		u.look(ctx, r)
	}
}

func (u *user) look(ctx context.Context, r *register) {
	problem, err := r.check(ctx)
	if err == nil {
		u.tallies["looked"]++
	}
	if problem != "" {
		u.problems = append(u.problems, problem)
	}
	if wrong := (*unexpected)(nil); errors.As(err, &wrong) {
		u.problems = append(u.problems, r.what+": "+wrong.Error())
	}
}

// unexpected is an answer that a reader must never get.
type unexpected struct{ said string }

func (w *unexpected) Error() string { return w.said }

// one picks an element, or false of none.
func one[T any](u *user, of []T) (picked T, ok bool) {
	if len(of) == 0 {
		return picked, false
	}
	return of[u.IntN(len(of))], true
}

// drop takes an element out.
func drop[T comparable](of []T, what T) []T {
	return slices.DeleteFunc(of, func(t T) bool { return t == what })
}
