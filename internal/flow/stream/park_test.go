package stream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// yard is a cluster with a topic parked, and what was done about its letters.
type yard struct {
	*cluster
	back map[int32]map[int64]int64 // by partition and letter: the offset it was sent back to; -1: dropped
}

func newYard() *yard {
	return &yard{newCluster(), map[int32]map[int64]int64{0: {}, 1: {}}}
}

// parks lets a Processor park in the yard.
func (y *yard) parks(c *Config, d *Deps) {
	c.Poison, c.Attempts, d.Waiting = poisonPark, 2, y.waiting
}

func (y *yard) waiting(_ context.Context, partitions []int32) ([]Waiting, error) {
	var all []Waiting
	for _, n := range partitions {
		for i, r := range y.letters(n) {
			y.mu.Lock()
			into, done := y.back[n][int64(i)]
			y.mu.Unlock()
			switch {
			case !done:
				all = append(all, Waiting{n, r.Key, int64(i), origin(r), -1})
			case into >= 0:
				all = append(all, Waiting{n, r.Key, int64(i), origin(r), into})
			}
		}
	}
	return all, nil
}

// letters are the records of a partition of parked.
func (y *yard) letters(partition int32) []*kafka.Record {
	y.mu.Lock()
	defer y.mu.Unlock()
	var all []*kafka.Record
	for _, r := range y.records {
		if r.Topic == "parked" && r.Partition == partition {
			all = append(all, r)
		}
	}
	return all
}

func origin(r *kafka.Record) int64 {
	text := headerOf(r, event.HeaderOrigin)
	if text == "" {
		text = headerOf(r, event.HeaderSource)
	}
	at, _ := event.ParseSource(text)
	return at.Offset
}

// replay sends the open letters of a partition back, in order of their origin;
// each is noted unless note says no.
func (y *yard) replay(partition int32, note func() bool) int {
	all := y.letters(partition)
	var open []int
	for i := range all {
		if _, done := y.back[partition][int64(i)]; !done {
			open = append(open, i)
		}
	}
	slices.SortStableFunc(open, func(a, b int) int { return int(origin(all[a]) - origin(all[b])) })
	for _, i := range open {
		y.mu.Lock()
		into := int64(len(y.log[partition]))
		y.mu.Unlock()
		r := all[i]
		y.send(partition, string(r.Key), string(r.Value),
			event.Header{Name: event.HeaderID, Value: []byte(headerOf(r, event.HeaderID))},
			event.Header{Name: event.HeaderOrigin, Value: fmt.Appendf(nil, "events:%d:%d", partition, origin(r))})
		if note() {
			y.mu.Lock()
			y.back[partition][int64(i)] = into
			y.mu.Unlock()
		}
	}
	return len(open)
}

func always() bool { return true }

// sickly is Work that fails on values that begin with x while sick.
func sickly(sick *atomic.Bool, asked *atomic.Int64) Work {
	return func(ctx context.Context, e *event.Event) event.Ending {
		asked.Add(1)
		if sick.Load() && strings.HasPrefix(string(e.Value), "x") {
			return event.Ending{Place: event.Unfinished, Counted: true, Reason: event.ReasonModelError, Stage: event.StageModel, Err: errModel}
		}
		return predict(ctx, e)
	}
}

func TestAPoisonEventParksItsKeyAndTheOthersFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		var sick atomic.Bool
		var asked atomic.Int64
		sick.Store(true)
		p, stop := running(t, y.cluster, sickly(&sick, &asked), y.parks)
		for _, one := range []string{"a/x1", "b/1", "a/2", "b/2", "a/3"} {
			key, value, _ := strings.Cut(one, "/")
			y.send(0, key, value)
		}
		time.Sleep(10 * time.Second)
		want := []string{"parked x1", "parked 2", "parked 3", "predictions 1", "predictions 2"}
		if got := y.written(); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
			t.Errorf("written %v", got)
		}
		letters := y.letters(0)
		if len(letters) != 3 || string(letters[0].Value) != "x1" || string(letters[1].Value) != "2" {
			t.Fatalf("parked out of order: %v", y.written())
		}
		if headerOf(letters[0], event.HeaderReason) != "model_error" || headerOf(letters[0], event.HeaderAttempts) != "2" ||
			headerOf(letters[1], event.HeaderReason) != "key_parked" || headerOf(letters[1], event.HeaderError) != "waits behind events:0:0 of its key" {
			t.Errorf("headers %v and %v", letters[0].Headers, letters[1].Headers)
		}
		if asked.Load() != 4 || y.committed(0) != 5 {
			t.Errorf("asked %d times, want 2 for the poison and 1 for each of b; committed %d", asked.Load(), y.committed(0))
		}

		// Mended and sent back; one more came before, and one comes behind.
		sick.Store(false)
		y.send(0, "a", "4")
		time.Sleep(time.Second)
		if n := y.replay(0, always); n != 4 {
			t.Errorf("%d letters open, want 4", n)
		}
		y.send(0, "a", "5")
		time.Sleep(time.Second)
		want = []string{"predictions x1", "predictions 2", "predictions 3", "predictions 4", "predictions 5"}
		if got := y.written(); !slices.Equal(got[len(got)-5:], want) {
			t.Errorf("then written %v", got)
		}
		p.mu.Lock()
		if keys, events := p.waitingNow(); keys != 0 || events != 0 {
			t.Errorf("%d keys, %d events wait still", keys, events)
		}
		p.mu.Unlock()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestOneThatFailsAgainIsParkedAgainBeforeThoseBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		var sick atomic.Bool
		var asked atomic.Int64
		sick.Store(true)
		_, stop := running(t, y.cluster, sickly(&sick, &asked), y.parks)
		y.send(0, "a", "x1")
		y.send(0, "a", "2")
		time.Sleep(10 * time.Second)
		y.replay(0, always)
		y.send(0, "a", "3")
		time.Sleep(10 * time.Second)
		if got := y.written(); !slices.Equal(got, []string{"parked x1", "parked 2", "parked x1", "parked 2", "parked 3"}) {
			t.Errorf("written %v", got)
		}
		sick.Store(false)
		y.replay(0, always)
		time.Sleep(10 * time.Second)
		if got := y.written()[5:]; !slices.Equal(got, []string{"predictions x1", "predictions 2", "predictions 3"}) {
			t.Errorf("then written %v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestParkedKeysStayParkedAfterARestartAndAreResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		var sick atomic.Bool
		var asked atomic.Int64
		sick.Store(true)
		_, stop := running(t, y.cluster, sickly(&sick, &asked), y.parks)
		y.send(0, "a", "x1")
		time.Sleep(10 * time.Second)
		if err := stop(); err != nil {
			t.Error(err)
		}
		sick.Store(false)
		y.send(0, "a", "2")    // while nobody is there
		y.replay(0, always)    // noted, and behind 2 in the log
		y.send(0, "b", "else") // of another key
		_, stop = running(t, y.cluster, sickly(&sick, &asked), y.parks)
		time.Sleep(10 * time.Second)
		got := y.written()[1:]
		if slices.Index(got, "parked 2") < 0 || slices.Index(got, "predictions else") < 0 || slices.Index(got, "predictions x1") < slices.Index(got, "parked 2") || len(got) != 3 {
			t.Errorf("written %v", got)
		}
		y.replay(0, always)
		time.Sleep(10 * time.Second)
		if got := y.written()[4:]; !slices.Equal(got, []string{"predictions 2"}) {
			t.Errorf("then written %v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestADroppedOrExpiredLetterIsNotWaitedFor(t *testing.T) {
	for name, gone := range map[string]func(p *Processor){
		"dropped": func(p *Processor) { p.Dropped(0, 0) },
		"expired": func(p *Processor) { p.Expired(0, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				y := newYard()
				var sick atomic.Bool
				var asked atomic.Int64
				sick.Store(true)
				p, stop := running(t, y.cluster, sickly(&sick, &asked), y.parks)
				y.send(0, "a", "x1")
				y.send(0, "a", "2")
				time.Sleep(10 * time.Second)
				gone(p)
				y.back[0][0] = -1
				y.replay(0, always)
				y.send(0, "a", "3")
				time.Sleep(time.Second)
				if got := y.written()[2:]; !slices.Equal(got, []string{"predictions 2", "predictions 3"}) {
					t.Errorf("then written %v", got)
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestWhatWaitsIsBoundedAndBlocksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		var sick atomic.Bool
		var asked atomic.Int64
		sick.Store(true)
		_, stop := running(t, y.cluster, sickly(&sick, &asked), y.parks, func(c *Config, _ *Deps) { c.ParkMax = 2 })
		for _, one := range []string{"a/x1", "a/2", "a/3"} {
			key, value, _ := strings.Cut(one, "/")
			y.send(0, key, value)
		}
		time.Sleep(10 * time.Second)
		y.send(0, "b", "x9")
		y.send(0, "b", "8")
		y.send(1, "c", "x7") // the bound is that of a partition
		time.Sleep(10 * time.Second)
		want := []string{"parked x1", "parked 2", "dead-letters 3", "dead-letters x9", "predictions 8", "parked x7"}
		if got := y.written(); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
			t.Errorf("written %v", got)
		}
		for _, r := range y.records {
			switch string(r.Value) {
			case "3":
				if headerOf(r, event.HeaderReason) != "park_full" {
					t.Errorf("headers %v", r.Headers)
				}
			case "x9":
				if headerOf(r, event.HeaderReason) != "model_error" || headerOf(r, event.HeaderDecisions) != "stream:park:full" {
					t.Errorf("headers %v", r.Headers)
				}
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestNothingIsWorkedOnBeforeItIsKnownWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		y.send(0, "a", "1")
		var asked, failures, sick = atomic.Int64{}, atomic.Int64{}, atomic.Bool{}
		p, stop := running(t, y.cluster, sickly(&sick, &asked), y.parks, func(_ *Config, d *Deps) {
			d.Waiting = func(context.Context, []int32) ([]Waiting, error) {
				if failures.Add(1) <= 5 {
					return nil, errModel
				}
				return []Waiting{{0, []byte("a"), 0, -1, -1}}, nil
			}
		})
		time.Sleep(parkRetry / 2)
		if err := p.Ready(); err == nil || !strings.Contains(err.Error(), "until the topic parked is read") || asked.Load() != 0 {
			t.Errorf("ready says %v, asked %d", err, asked.Load())
		}
		time.Sleep(5 * parkRetry)
		if got := y.written(); !slices.Equal(got, []string{"parked 1"}) || p.Ready() != nil {
			t.Errorf("written %v, ready says %v", got, p.Ready())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAPartitionOfParkedThatCannotBeReadKeepsNoOtherWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		y.send(0, "a", "1")
		y.send(1, "b", "2")
		var mended atomic.Bool
		p, stop := running(t, y.cluster, predict, y.parks, func(_ *Config, d *Deps) {
			d.Waiting = func(_ context.Context, partitions []int32) ([]Waiting, error) {
				if slices.Contains(partitions, 0) && !mended.Load() {
					return nil, kafka.ErrUnavailable
				}
				return nil, nil
			}
		})
		time.Sleep(10 * parkRetry)
		if got := y.written(); !slices.Equal(got, []string{"predictions 2"}) {
			t.Errorf("written %v; what waits of the key b is known", got)
		}
		if err := p.Ready(); err == nil || !strings.Contains(err.Error(), "events:0 waits until") {
			t.Errorf("ready says %v, want which partition waits", err)
		}
		mended.Store(true)
		time.Sleep(2 * parkRetry)
		if got := y.written(); !slices.Equal(got, []string{"predictions 2", "predictions 1"}) || p.Ready() != nil {
			t.Errorf("written %v, ready says %v", got, p.Ready())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestOrderSurvivesWhateverHappens parks, replays, crashes and restarts at random:
// each event of a key is predicted, the first time in order.
func TestOrderSurvivesWhateverHappens(t *testing.T) {
	for _, guarantee := range []string{atLeastOnce, exactlyOnce} {
		for seed := range uint64(20) {
			t.Run(guarantee+" "+strconv.FormatUint(seed, 10), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { anything(t, guarantee, rand.New(rand.NewPCG(seed, 7))) })
			})
		}
	}
}

func anything(t *testing.T, guarantee string, dice *rand.Rand) {
	y := newYard()
	var sick atomic.Bool
	var asked atomic.Int64
	var stops []func() error
	last := &book{cluster: y.cluster}
	start := func() {
		changes := []func(*Config, *Deps){y.parks, func(c *Config, _ *Deps) { c.Backoff.Max = 100 * time.Millisecond }}
		if last.fence(); guarantee == exactlyOnce {
			last = &book{cluster: y.cluster}
			changes = append(changes, exactly(last))
		}
		p, stop := running(t, y.cluster, sickly(&sick, &asked), changes...)
		stops = append(stops, stop)
		<-p.Joined()
	}
	start()
	sent := map[string][]string{}
	for i := range 200 {
		switch n := dice.IntN(100); {
		case n < 70:
			key, value := string('a'+rune(dice.IntN(3))), strconv.Itoa(i)
			if dice.IntN(8) == 0 {
				value = "x" + value
			}
			sent[key] = append(sent[key], value)
			y.send(0, key, value)
		case n < 80:
			sick.Store(dice.IntN(2) == 0)
		case n < 88:
			y.replay(0, func() bool { return guarantee == exactlyOnce || dice.IntN(10) > 0 }) // one that is not noted is sent twice
		case n < 92: // a crash: the one before is out at once
			start()
		default:
			time.Sleep(time.Duration(dice.IntN(300)) * time.Millisecond)
		}
	}
	sick.Store(false)
	for range 20 {
		time.Sleep(5 * time.Second)
		y.replay(0, always)
	}
	time.Sleep(5 * time.Second)
	for _, stop := range stops {
		_ = stop() // those that are out cannot commit
	}
	for key, want := range sent {
		got, copies := y.predicted(key)
		if !slices.Equal(got, want) || guarantee == exactlyOnce && copies > 0 {
			t.Errorf("key %s: predicted %v and %d copies\nwant %v", key, got, copies, want)
		}
	}
	if end := int64(len(y.log[0])); y.committed(0) != end {
		t.Errorf("committed %d of %d", y.committed(0), end)
	}
}

// predicted lists the predictions of a key, and counts copies.
func (y *yard) predicted(key string) (all []string, copies int) {
	for _, r := range y.records {
		switch {
		case r.Topic != "predictions" || string(r.Key) != key:
		case slices.Contains(all, string(r.Value)):
			copies++
		default:
			all = append(all, string(r.Value))
		}
	}
	return all, copies
}

func TestAnUndecodableEventParksItsKeyOnceTheTopicIsKnownToBeReadable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		_, stop := running(t, y.cluster, choosy, y.parks)
		y.send(0, "a", "?1")
		time.Sleep(3 * probationWait)
		if got := y.written(); len(got) > 0 {
			t.Errorf("written before it is known: %v", got)
		}
		for _, v := range []string{"a2", "a?", "b1"} {
			y.send(0, v[:1], v)
		}
		time.Sleep(time.Second)
		got := y.written()
		slices.Sort(got)
		if !slices.Equal(got, []string{"parked ?1", "parked a2", "parked a?", "predictions b1"}) || y.committed(0) != 4 {
			t.Errorf("written %v, committed %d", got, y.committed(0))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAReplayedEventThatCannotBeDecodedDoesNotKeepItsKeyParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		y.send(0, "a", "?1")
		y.send(0, "a", "?1", event.Header{Name: event.HeaderOrigin, Value: []byte("events:0:0")})
		y.commits[kafka.Partition{Topic: "events"}] = 1
		_, stop := running(t, y.cluster, choosy, y.parks, func(c *Config, d *Deps) {
			c.Errors = map[string]ErrorConfig{string(event.ReasonUndecodable): {Then: thenDeadLetter}}
			d.Waiting = func(context.Context, []int32) ([]Waiting, error) { return []Waiting{{0, []byte("a"), 0, 0, 1}}, nil }
		})
		time.Sleep(3 * probationWait)
		y.send(0, "a", "a2")
		time.Sleep(time.Second)
		if got := y.written(); !slices.Equal(got, []string{"dead-letters ?1", "predictions a2"}) {
			t.Errorf("written %v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// choosy is Work that cannot decode values with a question mark.
func choosy(ctx context.Context, e *event.Event) event.Ending {
	if strings.Contains(string(e.Value), "?") {
		return event.Fail(event.ReasonUndecodable, event.StageFeature, errModel)
	}
	return predict(ctx, e)
}
