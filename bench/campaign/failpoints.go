package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"betimes/internal/failpoint/points"
	"betimes/internal/lab/fault"
	"betimes/internal/lab/verify"
)

// How processes are killed at failpoints, and how they are brought there.
const (
	failRounds = 3   // kills at each point
	failRate   = 150 // events a second
	failLeast  = 5 * time.Millisecond
	failMost   = 60 * time.Millisecond
	failStep   = 3 * time.Second // for each thing that may bring a process there
	failOutage = 1600 * time.Millisecond
	failLate   = 1500 * time.Millisecond
	failHot    = 100 // a point that is reached by itself is killed at within so many times
)

// failpoints kills a gateway or a stream at every failpoint of the code while
// they are loaded, then judges all that was sent.
func failpoints(ctx context.Context, o options, r *report) error {
	all, err := points.List(o.source)
	if err != nil {
		return err
	}
	return o.inEveryMode(ctx, func(ctx context.Context, m mode, at *place) error {
		return o.failOn(ctx, m, at, m.targets(all, o.only), r)
	})
}

// aim is a failpoint in a role.
type aim struct{ point, role string }

// targets are the points whose name contains only, in each role that they are
// in; those of other modes are left out.
func (m mode) targets(all []points.Point, only string) []aim {
	var list []aim
	for _, p := range all {
		if !strings.Contains(p.Name, only) || !m.owns(p.Name) && !modes()[0].owns(p.Name) {
			continue
		}
		room, _, _ := strings.Cut(p.Name, ".")
		if room == "gateway" || strings.HasPrefix(p.Name, "kafka.produce.") {
			list = append(list, aim{p.Name, "gateway"})
		}
		if room != "gateway" {
			list = append(list, aim{p.Name, "stream"})
		}
	}
	return list
}

// failRun is one run on one place.
type failRun struct {
	o       options
	mode    mode
	group   string
	step    time.Duration // how long each thing has to bring a process to a point
	proxy   *fault.Proxy
	random  *rand.Rand
	model   *moody
	at      map[string]*station // by role; other: a second stream that comes and goes
	running map[string]*process
	deaths  []verify.Window
	cuts    []verify.Window // when connections were lost that locks of a share group hang on
	how     map[aim]int     // the step that brought a process there
	seldom  map[aim]bool    // a process does not come there many times
	armed   options         // to start a process that is to be killed
}

// other is the second stream.
const other = "other"

func (o options) failOn(ctx context.Context, m mode, at *place, aims []aim, r *report) error {
	f, err := o.newFailRun(ctx, m, at)
	if err != nil {
		return err
	}
	defer f.clear()
	if err := f.first(ctx, aims); err != nil {
		return err
	}
	cluster, err := at.open()
	if err != nil {
		return err
	}
	defer cluster.Close()
	load, err := o.newSupply(f.at["gateway"].Gateway, f.group, cluster)
	if err != nil {
		return err
	}
	err = f.loaded(ctx, load, func(ctx context.Context) error { return f.all(ctx, aims) })
	if err = errors.Join(err, load.close()); err != nil {
		return err
	}
	e := examined{what: at.what, group: f.group, mode: m, ledger: load.file, faults: slices.Concat(f.deaths, f.cuts), moody: true}
	verdict, err := e.examine(ctx, cluster, r)
	if err != nil {
		return err
	}
	r.add(append(row{{"brokers", at.what}, {"failpoints", len(aims)}, {"kills", len(f.deaths)}}, e.cells(&verdict)...))
	f.tell(at.what, aims, r)
	return nil
}

// newFailRun starts the gateway, and makes what the streams need.
func (o options) newFailRun(ctx context.Context, m mode, at *place) (*failRun, error) {
	f := &failRun{
		o: o, mode: m, step: failStep, random: rand.New(rand.NewPCG(o.seed, 13)), group: fmt.Sprintf("failpoints%d", o.seed),
		at: map[string]*station{}, running: map[string]*process{}, how: map[aim]int{}, seldom: map[aim]bool{},
	}
	var err error
	if f.model, err = newMoody(failLeast, failMost); err != nil {
		return nil, err
	}
	if f.proxy, err = fault.NewProxy(at.seeds, o.seed, nil); err != nil {
		f.model.close()
		return nil, err
	}
	if err := f.hire(ctx, at); err != nil {
		f.clear()
		return nil, err
	}
	return f, nil
}

func (f *failRun) hire(ctx context.Context, at *place) (err error) {
	by := *at
	by.seeds = f.proxy.Addrs()
	for _, name := range []string{"gateway", "stream", other} {
		role := strings.Replace(name, other, "stream", 1)
		if f.at[name], err = f.o.station(&by, role, f.group, f.model.url, append(slices.Clone(crewSettings), f.mode.settings...)...); err != nil {
			return err
		}
		if !f.mode.shared { // a share group begins at earliest or latest only
			f.at[name].From = failFrom
		}
	}
	f.running["gateway"], err = f.o.working(ctx, f.at["gateway"])
	if err != nil {
		delete(f.running, "gateway")
	}
	return err
}

// failFrom begins at the first record, by its time: so the start is committed too.
const failFrom = `"2020-01-01T00:00:00Z"`

// once is the point that only a group without commits comes to.
const once = "kafka.start.before"

// first has the first stream of the group killed where it begins, if that is an aim.
func (f *failRun) first(ctx context.Context, aims []aim) error {
	for _, a := range aims {
		if a.point == once {
			return f.kill(ctx, a)
		}
	}
	return f.replace(f.o, "stream")
}

// loaded does something while events are sent, then lets both roles work again.
func (f *failRun) loaded(ctx context.Context, load *supply, do func(context.Context) error) error {
	loading, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); load.load(loading, or(f.o.rate, failRate)) }()
	err := do(ctx)
	stop()
	<-done
	if err != nil {
		return err
	}
	for _, role := range []string{"gateway", "stream"} {
		if err := f.replace(f.o, role); err != nil {
			return err
		}
		if err := assigned(ctx, f.running[role], f.at[role].Admin); err != nil {
			return err
		}
	}
	return nil
}

func (f *failRun) clear() {
	for _, p := range f.running {
		p.clear()
	}
	f.proxy.Close()
	f.model.close()
}

func (f *failRun) all(ctx context.Context, aims []aim) error {
	for n := range or(f.o.count, failRounds) {
		for i, a := range aims {
			if n, known := f.how[a]; a.point == once || known && n == never {
				continue
			}
			if err := f.kill(ctx, a); err != nil {
				return fmt.Errorf("%s in the %s: %w", a.point, a.role, err)
			}
			if i%10 == 9 {
				f.o.progress("round %d: %d kills", n+1, len(f.deaths))
			}
		}
	}
	return nil
}

// replace ends a role, if it runs, and starts it as o says.
func (f *failRun) replace(o options, role string) error {
	if p := f.running[role]; p != nil {
		if err := quit(p); err != nil && !killed(p) {
			return err
		}
	}
	next, err := o.startStation(f.at[role])
	if err == nil {
		f.running[role] = next
	}
	return err
}

// quit asks a process to end. One that is only starting does not obey yet; it
// may be dead already.
func quit(p *process) error {
	_, _ = p.await(context.Background())
	return p.stop()
}

// killed says that a process has ended by SIGKILL.
func killed(p *process) bool {
	select {
	case <-p.ended:
	default:
		return false
	}
	var exit *exec.ExitError
	if !errors.As(p.err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// kill has a role killed at a point, going from one thing that may bring it
// there to the next; later from the one that did.
func (f *failRun) kill(ctx context.Context, a aim) error {
	nth := 1
	step, known := f.how[a]
	switch {
	case !known:
		step = guess(a.point)
	case step == 0 && !f.seldom[a]:
		nth = 1 + f.random.IntN(failHot)
	}
	if err := f.revive(a.role); err != nil {
		return err
	}
	f.armed = f.o
	f.armed.env = []string{fmt.Sprintf("BETIMES_FAILPOINT=%s:kill:%d", a.point, nth)}
	if err := f.replace(f.armed, a.role); err != nil {
		return err
	}
	for n := step; n < len(f.steps()); n++ {
		dead, err := f.steps()[n].bring(ctx, a.role)
		if err != nil {
			return err
		}
		if dead {
			f.how[a] = n
			return nil
		}
	}
	if nth > 1 {
		f.seldom[a] = true
		return f.kill(ctx, a)
	}
	f.how[a] = never
	return nil
}

// never is the step of a point that no step brings a process to.
const never = -1

// revive starts whoever was killed beside role.
func (f *failRun) revive(role string) error {
	for name, p := range f.running {
		if name != role && killed(p) {
			if err := f.replace(f.o, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// guess is the step to begin with, so that not every point waits for all of them.
func guess(point string) int {
	for step, parts := range [][]string{1: {".gate."}, 2: {".revoke."}, 4: {".abort"}, 5: {".drain.", ".leave.", ".end."}, 6: {".probation."}} {
		if slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(point, part) }) {
			return step
		}
	}
	return 0
}

// step is something that may bring a process to a point.
type step struct {
	name  string
	bring func(ctx context.Context, role string) (dead bool, err error)
}

func (f *failRun) steps() []step {
	return []step{
		{"load", f.wait}, {"model away", f.outage}, {"another stream", f.toggle}, {"and again", f.toggle}, {"answers lost", f.unanswered}, {"SIGTERM", f.terminate},
		{"a late start", f.late},
	}
}

// wait waits for the end of a role, and notes when it was killed.
func (f *failRun) wait(ctx context.Context, role string) (bool, error) {
	p := f.running[role]
	select {
	case <-p.ended:
	case <-time.After(f.step):
		return false, ctx.Err()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if !killed(p) {
		return false, fmt.Errorf("it ended by itself (%v); it said:\n%s", p.err, p.output())
	}
	now := time.Now()
	f.deaths = append(f.deaths, verify.Window{From: now.Add(-20 * time.Millisecond), To: now})
	return true, nil
}

func (f *failRun) outage(ctx context.Context, role string) (bool, error) {
	f.model.away.Store(true)
	defer time.AfterFunc(failOutage, func() { f.model.away.Store(false) })
	return f.wait(ctx, role)
}

// failUnheard is how long after the fault a client may still wait for an answer
// before it ends the connection.
const failUnheard = 5 * time.Second

// unanswered has brokers apply what ends transactions, records and commits, and
// not say so; offsets of some transactions they do not take.
func (f *failRun) unanswered(ctx context.Context, role string) (bool, error) {
	if f.mode.shared {
		began := time.Now()
		defer func() { f.cuts = append(f.cuts, verify.Window{From: began, To: time.Now().Add(failUnheard)}) }()
	}
	for _, one := range []fault.Fault{
		{
			Keys:  []kmsg.Key{kmsg.EndTxn, kmsg.Produce, kmsg.OffsetCommit, kmsg.ShareAcknowledge},
			Every: 5, Count: -1, On: fault.Response, Do: fault.Drop,
		},
		{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Every: 3, Count: -1, Do: fault.Refuse, Code: kerr.UnknownServerError.Code},
	} {
		defer f.proxy.Add(one).Remove()
	}
	return f.wait(ctx, role)
}

// toggle has the other stream come or go.
func (f *failRun) toggle(ctx context.Context, role string) (bool, error) {
	if role != "stream" {
		return false, nil
	}
	if p := f.running[other]; p != nil {
		delete(f.running, other)
		if err := quit(p); err != nil {
			return false, err
		}
		return f.wait(ctx, role)
	}
	p, err := f.o.startStation(f.at[other])
	if err != nil {
		return false, err
	}
	f.running[other] = p
	return f.wait(ctx, role)
}

// terminate ends a role in peace, or at a point on the way.
func (f *failRun) terminate(ctx context.Context, role string) (bool, error) {
	p := f.running[role]
	if _, err := p.await(ctx); err != nil {
		return f.wait(ctx, role) // it may be dead already
	}
	if err := pause(ctx, time.Second); err != nil { // events are in work then
		return false, err
	}
	if err := p.stop(); err == nil {
		return false, nil
	}
	return f.wait(ctx, role)
}

// late starts a role when much waits for it.
func (f *failRun) late(ctx context.Context, role string) (bool, error) {
	if err := quit(f.running[role]); err != nil {
		return f.wait(ctx, role)
	}
	if err := pause(ctx, failLate); err != nil {
		return false, err
	}
	if err := f.replace(f.armed, role); err != nil {
		return false, err
	}
	return f.wait(ctx, role)
}

// tell lists how points were reached, and those that were not.
func (f *failRun) tell(what string, aims []aim, r *report) {
	by := map[string]int{}
	for _, a := range aims {
		n, ok := f.how[a]
		switch {
		case ok && n >= 0:
			by[f.steps()[n].name]++
		case f.mode.owns(a.point):
			r.require(false, "%s: %s was never reached in the %s", what, a.point, a.role)
		}
	}
	r.note("%s: what brought processes to failpoints: %s", what, listed(by))
}
