package kafka

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"betimes/internal/event"
)

// library is what records are handed to: it answers when it is told to.
type library struct {
	q      *rows
	buffer []sending // guarded by q.mu
	log    []string  // what brokers have
	told   []string  // what owners know
}

func newLibrary() *library {
	l := &library{}
	l.q = newRows(func(s sending) { l.buffer = append(l.buffer, s) }, func(s sending, err error) {
		name := string(s.record.Value)
		if err != nil {
			name += " failed"
		}
		l.told = append(l.told, name)
	}, nil, rules{batchBytes: 1000, corrupt: true, crowded: true}, slog.New(slog.DiscardHandler))
	l.q.boundOf("things").room, l.q.boundOf("things").asked = l.q.room(), time.Now().Add(time.Hour) // known
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
		if l.q.waiting() == nil {
			t.Error("nothing waits, although nothing is written")
		}
		l.answers(nil)
		want := []string{"a", "b", "c", "d", "e", "f", "g"}
		l.expect(t, want, want)
		l.write("h")
		l.answers(nil)
		if l.expect(t, append(want, "h"), append(want, "h")); l.q.waiting() != nil {
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
		if l.told[0] != "a failed" || slices.Contains(l.told, "b") || l.q.waiting() != nil {
			t.Errorf("owners know %v", l.told)
		}
		l.has()
		l.told = nil
		l.write("d")
		l.answers(kerr.CorruptMessage)
		if l.expect(t, nil, nil); l.q.waiting() == nil {
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

// narrow answers all that the library has, which takes so many bytes in a batch
// and makes one of all of a partition.
func (l *library) narrow(most int64) {
	var bytes int64
	all := l.has()
	for _, s := range all {
		bytes += s.size
	}
	for _, s := range all {
		var err error
		if bytes > most {
			err = kerr.MessageTooLarge
		} else {
			l.log = append(l.log, string(s.record.Value))
		}
		l.q.answered(s, err)
	}
}

func TestOfATopicThatDoesNotSayWhatItTakesOnlyWhatIsTooLargeAloneIsRefused(t *testing.T) {
	for name, ask := range map[string]func() (int64, error){
		"it is hidden":           func() (int64, error) { return 0, kerr.TopicAuthorizationFailed },
		"brokers refuse earlier": func() (int64, error) { return 900, nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLibrary()
				l.q.ask = func(context.Context, string) (int64, error) { return ask() }
				l.write("a", "b", strings.Repeat("large", 20), "c", "d")
				for range 10 {
					l.narrow(100)
					l.write("e")
					synctest.Wait()
				}
				for range 20 {
					l.narrow(100)
					synctest.Wait()
				}
				es := slices.Repeat([]string{"e"}, 10)
				l.expect(t, slices.Concat([]string{"a", "b", "c", "d"}, es), slices.Concat([]string{"a", "b", strings.Repeat("large", 20) + " failed", "c", "d"}, es))
				if l.q.waiting() != nil {
					t.Error("something waits, although all is told")
				}
			})
		})
	}
}

func TestWhatATopicTakesIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary()
		says := int64(batchOverhead + 100)
		l.q.ask = func(context.Context, string) (int64, error) { return says, nil }
		l.q.boundOf("things").room, l.q.boundOf("things").asked = 0, time.Time{}
		for _, want := range []int{2, 2, 10} { // together, of 37 bytes each
			l.write("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")
			synctest.Wait()
			l.q.mu.Lock()
			got := len(l.buffer)
			l.q.mu.Unlock()
			if got != want {
				t.Errorf("%d records are on their way together, want %d", got, want)
			}
			for range 10 {
				l.narrow(1000)
			}
			says = 1000
			time.Sleep(boundAge / 2)
		}
	})
}

func TestWhatWaitsIsBoundedWhereItsOwnersAreNot(t *testing.T) {
	l := newLibrary()
	l.q.rules.bounded = true
	l.q.boundOf("things").room = 0 // not known
	for range maxBufferedRecords {
		l.write("a")
	}
	if len(l.told) > 0 || !l.q.full() {
		t.Fatalf("%d are told", len(l.told))
	}
	l.write("b")
	l.expect(t, nil, []string{"b failed"})
}

func TestInATransactionWhatIsTooLargeTogetherIsToldAndNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary()
		l.q.rules.crowded = false
		l.q.ask = func(context.Context, string) (int64, error) { return batchOverhead + 40, nil }
		l.write("a", "b", "c")
		l.narrow(100)
		l.expect(t, nil, []string{"a failed", "b failed", "c failed"})
		l.write("d", "e")
		synctest.Wait()
		l.narrow(100)
		l.expect(t, []string{"d"}, []string{"a failed", "b failed", "c failed", "d"})
		l.q.drop(kgo.ErrAborting)
		l.narrow(100)
		l.expect(t, []string{"d", "e"}, []string{"a failed", "b failed", "c failed", "d", "e"})
	})
}
