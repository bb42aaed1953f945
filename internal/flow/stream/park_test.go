package stream

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
)

func TestAPoisonEventParksItsKeyAndTheOthersFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		p, stop := y.running(t)
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
		if y.asked.Load() != 4 || y.committed(0) != 5 {
			t.Errorf("asked %d times, want 2 for the poison and 1 for each of b; committed %d", y.asked.Load(), y.committed(0))
		}

		// Mended and sent back; one more came before, and one comes behind.
		y.sick.Store(false)
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
		ended(t, stop)
	})
}

func TestOneThatFailsAgainIsParkedAgainBeforeThoseBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		_, stop := y.running(t)
		y.send(0, "a", "x1")
		y.send(0, "a", "2")
		time.Sleep(10 * time.Second)
		y.replay(0, always)
		y.send(0, "a", "3")
		time.Sleep(10 * time.Second)
		if got := y.written(); !slices.Equal(got, []string{"parked x1", "parked 2", "parked x1", "parked 2", "parked 3"}) {
			t.Errorf("written %v", got)
		}
		y.sick.Store(false)
		y.replay(0, always)
		time.Sleep(10 * time.Second)
		if got := y.written()[5:]; !slices.Equal(got, []string{"predictions x1", "predictions 2", "predictions 3"}) {
			t.Errorf("then written %v", got)
		}
		ended(t, stop)
	})
}

func TestParkedKeysStayParkedAfterARestartAndAreResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		_, stop := y.running(t)
		y.send(0, "a", "x1")
		time.Sleep(10 * time.Second)
		ended(t, stop)
		y.sick.Store(false)
		y.send(0, "a", "2")    // while nobody is there
		y.replay(0, always)    // noted, and behind 2 in the log
		y.send(0, "b", "else") // of another key
		_, stop = y.running(t)
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
		ended(t, stop)
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
				p, stop := y.running(t)
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
				ended(t, stop)
			})
		})
	}
}
