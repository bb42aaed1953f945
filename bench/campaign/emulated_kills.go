package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// What is tried and promised of an emulator that is killed.
const (
	emulatedUsers = 4
	emulatedReady = 5 * time.Second // after a kill, with its endpoints
	restIn        = 90 * time.Second
)

// emulatorKills kills an emulator again and again while users work with every
// service of it, then compares what it holds with what it has acknowledged.
func emulatorKills(ctx context.Context, o options, r *report) error {
	k := &emulatedKills{o: o, random: rand.New(rand.NewPCG(o.seed, 21))}
	if err := k.begin(ctx); err != nil {
		return err
	}
	defer func() { k.running.clear() }()
	working, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	for _, u := range k.users {
		all.Go(func() { u.work(working) })
	}
	err := k.again(ctx)
	stop()
	all.Wait()
	if err == nil {
		err = k.atRest(ctx)
	}
	if err != nil {
		return err
	}
	k.judge(ctx, r)
	return nil
}

type emulatedKills struct {
	o       options
	random  *rand.Rand
	e       *emulated
	dir     string // of the emulator's state
	file    string
	running *process
	users   []*user
	starts  []time.Duration
	orphans []string
	kills   int
}

const emulatedFile = `name: emulated
data_dir: data
lab: {emulator: {listen: %q, profile: fast}}
admin: {listen: %q}
`

// place finds a folder and ports for the emulator.
func (k *emulatedKills) place() error {
	g, err := k.o.ground("emulated")
	if err != nil {
		return err
	}
	k.file, k.dir, k.e = filepath.Join(g.dir, "emulated.yaml"), filepath.Join(g.dir, "data"), newEmulated(g.Emulator)
	return os.WriteFile(k.file, fmt.Appendf(nil, emulatedFile, g.Emulator, g.Admin), 0o600)
}

func (k *emulatedKills) begin(ctx context.Context) error {
	if err := k.place(); err != nil {
		return err
	}
	script := filepath.Join(filepath.Dir(k.file), "train.sh")
	self, err := os.Executable()
	if err == nil {
		err = os.WriteFile(script, []byte(trainScript), 0o700)
	}
	if err == nil {
		err = k.start(ctx)
	}
	if err != nil {
		return err
	}
	for _, put := range []struct {
		path string
		body []byte
	}{{userBucket, nil}, {userBucket + "rows/rows.csv", []byte(strings.Repeat("0,0.1\n1,0.9\n0,0.2\n1,0.8\n", 50))}} {
		if a, err := k.e.ask(ctx, "PUT", put.path, put.body); err != nil || !a.done() {
			return fmt.Errorf("PUT %s: %d %s %w", put.path, a.status, a.body, err)
		}
	}
	for n := range emulatedUsers {
		u := newUser(k.e, fmt.Sprintf("u%d", n), rand.New(rand.NewPCG(k.o.seed, uint64(100+n))))
		u.images = images{serve: "exec:" + self, train: "exec:" + script}
		if err := u.open(ctx); err != nil {
			return err
		}
		k.users = append(k.users, u)
	}
	return nil
}

// start starts the emulator and waits until it is ready.
func (k *emulatedKills) start(ctx context.Context) (err error) {
	if k.running, err = k.o.start("emulate", k.file); err != nil {
		return err
	}
	took, err := k.running.await(ctx)
	if err != nil {
		return err
	}
	k.starts = append(k.starts, took)
	return nil
}

// again kills at random moments, also while it starts.
func (k *emulatedKills) again(ctx context.Context) (err error) {
	for n := range or(k.o.count, 100) {
		wait := moment(k.random)
		if n == 0 {
			wait += killLeast
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
		if err := k.running.kill(); err != nil {
			return err
		}
		k.kills++
		if k.random.IntN(4) == 0 { // and once more before it is ready
			if k.running, err = k.o.start("emulate", k.file); err != nil {
				return err
			}
			if err := pause(ctx, time.Duration(k.random.IntN(int(killSoon)))); err != nil {
				return err
			}
			if err := k.running.kill(); err != nil {
				return err
			}
			k.kills++
		}
		if err := k.start(ctx); err != nil {
			return err
		}
		k.orphans = append(k.orphans, strays(k.dir, k.running.cmd.Process.Pid)...)
		k.o.progress("kill %d, %s after the last, ready again after %s", k.kills, seconds(wait), seconds(k.starts[len(k.starts)-1]))
	}
	return nil
}

// atRest waits until nothing is under way: no endpoint that changes, no job that runs, no request that waits.
func (k *emulatedKills) atRest(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, restIn)
	defer cancel()
	for {
		busy, err := k.busy(ctx)
		if err == nil && len(busy) == 0 {
			return nil
		}
		if pause(ctx, 100*time.Millisecond) != nil {
			return fmt.Errorf("not at rest within %s: %v %v", restIn, busy, err)
		}
	}
}

// busy is what is under way.
func (k *emulatedKills) busy(ctx context.Context) (busy []string, err error) {
	for _, l := range []struct{ operation, list, name, status string }{
		{"ListEndpoints", "Endpoints", "EndpointName", "EndpointStatus"}, {"ListTrainingJobs", "TrainingJobSummaries", "TrainingJobName", "TrainingJobStatus"},
	} {
		all, err := k.list(ctx, l.operation, l.list)
		if err != nil {
			return nil, err
		}
		for _, one := range all {
			if s := fmt.Sprint(one[l.status]); !slices.Contains([]string{"InService", "Failed", "Completed", "Stopped"}, s) {
				busy = append(busy, fmt.Sprintf("%v is %s", one[l.name], s))
			}
		}
	}
	return busy, nil
}

// list reads all pages.
func (k *emulatedKills) list(ctx context.Context, operation, member string) ([]map[string]any, error) {
	var all []map[string]any
	request := members{"MaxResults": 100}
	for {
		var page map[string]any
		if err := k.e.get(ctx, toSageMaker+operation, request, &page); err != nil {
			return nil, err
		}
		entries, _ := page[member].([]any)
		for _, entry := range entries {
			if one, ok := entry.(map[string]any); ok {
				all = append(all, one)
			}
		}
		if page["NextToken"] == nil {
			return all, nil
		}
		request["NextToken"] = page["NextToken"]
	}
}

// judge looks at everything once more.
func (k *emulatedKills) judge(ctx context.Context, r *report) {
	things := 0
	tallies, outcomes, refusals := map[string]int{}, map[string]int{}, map[string]int{}
	for _, u := range k.users {
		u.lastLook(ctx)
		things += len(u.things)
		for _, sum := range []struct{ into, from map[string]int }{{tallies, u.tallies}, {outcomes, u.outcomes}, {refusals, u.refusals}} {
			for name, n := range sum.from {
				sum.into[name] += n
			}
		}
		for _, p := range u.problems {
			r.require(false, "%s: %s", u.name, p)
		}
	}
	stopped := k.running.stop()
	r.require(stopped == nil, "%v", stopped)
	left := strays(k.dir, 0)
	slowest := slices.Max(k.starts)
	r.add(row{{"kills", k.kills}, {"writes acknowledged", tallies["done"]}, {"left open", tallies["open"]}, {"refused", tallies["refused"]}, {"things", things},
		{"looks", tallies["looked"]}, {"invocations", tallies["invoked"]}, {"jobs", listed(outcomes)}, {"strays", len(k.orphans) + len(left)}, {"slowest start", seconds(slowest)}})
	r.require(len(k.orphans) == 0, "after a start: %s", strings.Join(k.orphans, ", "))
	r.require(len(left) == 0, "after the end: %s", strings.Join(left, ", "))
	r.timely(slowest < emulatedReady, "ready after %s, promised %s", seconds(slowest), seconds(emulatedReady))
	for _, text := range slices.Sorted(maps.Keys(refusals)) {
		r.note("refused %d times: %s", refusals[text], text)
	}
}
