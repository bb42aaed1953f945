package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"betimes/internal/kafka"
)

// What is promised of an endpoint whose hidden limit changes, and how it is tried.
const (
	limitedModel   = 50 * time.Millisecond
	limitedName    = "limited"
	limitSettle    = 10 * time.Second // after a change, not judged
	limitShare     = 0.9              // of what the limit allows
	limitThrottled = 0.02             // of the calls
	limitOver      = 1.2              // events sent, of what the highest limit allows
)

// limitSteps are the calls at once that the endpoint takes, one after the other.
func limitSteps() []int { return []int{20, 5, 40} }

// limitRun is an emulator, a stream that asks it, and a producer that sends more
// than the endpoint takes.
type limitRun struct {
	o        options
	at       *place
	emulator *speed
	process  *process
	station  *station
	cluster  *kafka.Cluster
}

// concurrencyLimit changes how many calls at once an endpoint takes, under load.
func concurrencyLimit(ctx context.Context, o options, r *report) error {
	return o.everywhere(ctx, needs{brokers: 1}, func(ctx context.Context, at *place) error {
		l := &limitRun{o: o, at: at, emulator: &speed{kills: emulatedKills{o: o}, r: r}}
		return l.run(ctx, r)
	})
}

func (l *limitRun) run(ctx context.Context, r *report) (err error) {
	kills := &l.emulator.kills
	if err := kills.place(); err != nil {
		return err
	}
	if err := kills.start(ctx); err != nil {
		return err
	}
	defer func() { kills.running.clear() }()
	image := fmt.Sprintf("builtin:profile?p50=%s&p99=%s&workers=128", limitedModel, limitedModel)
	if err := l.emulator.deploy(ctx, limitedName, image); err != nil {
		return err
	}
	if l.station, err = l.o.station(l.at, "stream", fmt.Sprintf("climit%d", l.o.seed), kills.e.base); err != nil {
		return err
	}
	l.station.Endpoint = limitedName
	if l.process, err = l.o.working(ctx, l.station); err != nil {
		return err
	}
	defer l.process.clear()
	if l.cluster, err = l.at.open(); err != nil {
		return err
	}
	defer l.cluster.Close()
	return l.load(ctx, r)
}

// load sends while the limit goes through its steps, then lets all be worked off.
func (l *limitRun) load(ctx context.Context, r *report) error {
	feeding, stop := context.WithCancel(ctx)
	defer stop()
	steps, fed := limitSteps(), make(chan error, 1)
	ledger := blankLedger(l.station.Name+"-", l.o.seed)
	if err := l.limit(ctx, steps[0]); err != nil {
		return err
	}
	go func() {
		fed <- ledger.feed(feeding, l.cluster, limitOver*float64(steps[len(steps)-1])/limitedModel.Seconds())
	}()
	for range or(l.o.count, 1) {
		for _, n := range steps {
			if err := l.step(ctx, n, r); err != nil {
				return err
			}
		}
	}
	stop()
	if err := firstOf(<-fed, l.limit(ctx, 0)); err != nil {
		return err
	}
	return l.judge(ctx, ledger, r)
}

// step is one limit: a while to find it, and a while that is judged.
func (l *limitRun) step(ctx context.Context, n int, r *report) error {
	l.o.progress("%d calls at once", n)
	if err := l.limit(ctx, n); err != nil {
		return err
	}
	if err := pause(ctx, limitSettle); err != nil {
		return err
	}
	before, err := l.calls(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := pause(ctx, max(2*l.o.length/4-limitSettle, 5*time.Second)); err != nil {
		return err
	}
	after, err := l.calls(ctx)
	if err != nil {
		return err
	}
	took := time.Since(began)
	answered, throttled := after["ok"]-before["ok"], after["throttled"]-before["throttled"]
	most := float64(n) * took.Seconds() / limitedModel.Seconds()
	share, refused := answered/most, throttled/(answered+throttled)
	r.add(row{
		{"brokers", l.at.what}, {"calls at once", n}, {"judged for", seconds(took)}, {"answered", int(answered)}, {"of what the limit allows", percent(share)},
		{"throttled", int(throttled)}, {"of the calls", percent(refused)},
	})
	r.timely(share >= limitShare, "%s: %s of what %d calls at once allow, promised %s", l.at.what, percent(share), n, percent(limitShare))
	r.require(refused < limitThrottled, "%s: %s of the calls throttled at %d at once, promised less than %s", l.at.what, percent(refused), n, percent(limitThrottled))
	return nil
}

// limit sets the calls at once that the endpoint takes; 0: all.
func (l *limitRun) limit(ctx context.Context, n int) error {
	body, err := json.Marshal(members{"endpoint": limitedName, "concurrency": n})
	if err != nil {
		return err
	}
	a, err := l.emulator.kills.e.ask(ctx, http.MethodPut, "/_emu/limits", body)
	if err == nil && !a.done() {
		err = fmt.Errorf("PUT /_emu/limits: %d %s", a.status, a.body)
	}
	return err
}

// calls are those that the stream has made so far, by how they ended.
func (l *limitRun) calls(ctx context.Context) (map[string]float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.station.Admin+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		return nil, err
	}
	all := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if name, labels, _ := strings.Cut(lines.Text(), "{"); name != "betimes_balance_invocations_total" {
			continue
		} else if outcome, value, ok := strings.Cut(labels, "} "); ok {
			n, _ := strconv.ParseFloat(value, 64)
			_, outcome, _ = strings.Cut(outcome, `outcome="`)
			outcome, _, _ = strings.Cut(outcome, `"`)
			all[outcome] += n
		}
	}
	return all, nil
}

// judge reads all topics once everything is worked off.
func (l *limitRun) judge(ctx context.Context, ledger *ledger, r *report) error {
	e := examined{what: l.at.what, group: l.station.Name}
	v, err := e.examine(ctx, l.cluster, r)
	if err != nil {
		return err
	}
	c := v.Counts
	r.add(row{
		{"brokers", l.at.what}, {"events", c.Events}, {"predicted", v.Places["predictions"]}, {"dead letters", v.Places["dead-letters"]},
		{"lost", c.Waiting}, {"ended again", c.Duplicated}, {"reordered", c.Reordered},
	})
	e.once(&v, len(ledger.sends), r)
	stopped := l.process.stop()
	r.require(stopped == nil, "%s: %v", l.at.what, stopped)
	return nil
}

// percent is a share for a table.
func percent(share float64) string { return fmt.Sprintf("%.2f%%", 100*share) }
