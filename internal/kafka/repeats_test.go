package kafka

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"betimes/internal/event"
)

// library is what records are handed to: it answers when it is told to.
type library struct {
	q      *repeats
	buffer []sending // guarded by q.mu
	log    []string  // what brokers have
	told   []string  // what owners know
}

func newLibrary() *library {
	l := &library{}
	l.q = newRepeats(func(s sending) { l.buffer = append(l.buffer, s) }, func(s sending, err error) {
		name := string(s.record.Value)
		if err != nil {
			name += " failed"
		}
		l.told = append(l.told, name)
	})
	return l
}

func (l *library) write(names ...string) {
	for _, name := range names {
		l.q.send(sending{record: &kgo.Record{Topic: "things", Value: []byte(name)}, done: func(event.Source, error) {}})
	}
}

// has takes what it has.
func (l *library) has() []sending {
	l.q.mu.Lock()
	defer l.q.mu.Unlock()
	all := l.buffer
	l.buffer = nil
	return all
}

// answers answers all that it has, as the library does with one partition.
func (l *library) answers(err error) {
	for _, s := range l.has() {
		if err == nil {
			l.log = append(l.log, string(s.record.Value))
		}
		l.q.answered(s, err)
	}
}

func (l *library) expect(t *testing.T, log, told []string) {
	t.Helper()
	if !slices.Equal(l.log, log) || !slices.Equal(l.told, told) {
		t.Errorf("brokers have %v, want %v; owners know %v, want %v", l.log, log, l.told, told)
	}
}

func TestWhatIsRefusedAsCorruptIsSentAgainInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary()
		l.write("a", "b")
		l.answers(nil)
		l.write("c", "d")
		for _, meanwhile := range []string{"e", "f", "g"} {
			l.answers(kerr.CorruptMessage)
			l.write(meanwhile)
			if early := l.has(); len(early) != 0 {
				t.Errorf("%d records overtake what is to be sent again", len(early))
			}
			time.Sleep(time.Second)
		}
		if !l.q.waiting() {
			t.Error("nothing waits, although nothing is written")
		}
		l.answers(nil)
		want := []string{"a", "b", "c", "d", "e", "f", "g"}
		l.expect(t, want, want)
		l.write("h")
		l.answers(nil)
		if l.expect(t, append(want, "h"), append(want, "h")); l.q.waiting() {
			t.Error("something waits, although all is written")
		}
	})
}

func TestWhatIsCorruptForTooLongIsGivenUpWithAllBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary()
		l.write("a", "b")
		began := time.Now()
		for len(l.told) == 0 {
			l.answers(kerr.CorruptMessage)
			l.write("c")
			time.Sleep(time.Second)
		}
		if tried := time.Since(began); tried < deliveryTimeout || tried > deliveryTimeout+5*time.Second {
			t.Errorf("given up after %s, want a little more than %s", tried, deliveryTimeout)
		}
		if l.told[0] != "a failed" || slices.Contains(l.told, "b") || l.q.waiting() {
			t.Errorf("owners know %v", l.told)
		}
		l.has()
		l.told = nil
		l.write("d")
		l.answers(kerr.CorruptMessage)
		if l.expect(t, nil, nil); !l.q.waiting() {
			t.Error("what comes afterwards is not sent again")
		}
	})
}

func TestOtherRefusalsAreToldAtOnce(t *testing.T) {
	l := newLibrary()
	l.write("a")
	l.answers(kerr.MessageTooLarge)
	l.expect(t, nil, []string{"a failed"})
}

func TestWhatWaitsIsToldWhenTheProducerCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary()
		l.write("a", "b")
		l.answers(kerr.CorruptMessage)
		l.write("c")
		l.q.close()
		time.Sleep(time.Minute)
		l.expect(t, nil, []string{"a failed", "b failed", "c failed"})
		l.write("d")
		l.answers(errors.New("closed"))
		l.expect(t, nil, []string{"a failed", "b failed", "c failed", "d failed"})
	})
}
