package verify

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"betimes/internal/event"
)

// disk is a file that notes in which order things happen.
type disk struct {
	mu     sync.Mutex
	log    []string
	broken error
}

func (d *disk) note(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, what)
}

func (d *disk) Write(b []byte) (int, error) {
	for _, line := range bytes.Split(bytes.TrimSpace(b), []byte("\n")) {
		d.note("write " + string(line[:3]))
	}
	return len(b), d.broken
}

func (d *disk) Sync() error { d.note("sync"); return nil }

func (d *disk) Close() error { d.note("close"); return nil }

func TestASendIsOnDiskBeforeItIsMade(t *testing.T) {
	d := &disk{}
	l := newLedger(d, 0)
	sent := make(chan struct{})
	seq := l.Send(Sending{ID: "a", Value: []byte("x")}, func(err error) {
		d.note(fmt.Sprint("sent ", err))
		close(sent)
	})
	<-sent
	l.Mark(seq, OK, event.Source{})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(d.log, ", "), "write s 1, sync, sent <nil>, write a 1, sync, close"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestNothingIsSentThatTheLedgerCouldNotKeep(t *testing.T) {
	l := newLedger(&disk{broken: errors.New("disk full")}, 0)
	got := make(chan error, 3)
	l.Send(Sending{ID: "a"}, func(err error) { got <- err })
	l.Send(Sending{ID: "b"}, func(err error) { got <- err })
	for range 2 {
		if err := <-got; err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("told %v, want disk full", err)
		}
	}
	if err := l.Close(); err == nil {
		t.Error("Close is silent")
	}
	l.Send(Sending{ID: "c"}, func(err error) { got <- err })
	if err := <-got; !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close told %v", err)
	}
}

func TestAnIDWithASpaceIsRefused(t *testing.T) {
	l := newLedger(&disk{}, 0)
	got := make(chan error, 1)
	l.Send(Sending{ID: "a b"}, func(err error) { got <- err })
	if <-got == nil {
		t.Error("not refused")
	}
	l.Close()
}

// written is a ledger of n sends, all acknowledged.
func written(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger")
	l, err := OpenLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		seq := l.Send(Sending{ID: fmt.Sprint("id-", i), Key: []byte("k"), Value: []byte("v")}, func(error) {})
		l.Mark(seq, OK, event.Source{Topic: "events", Offset: int64(i)})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func lines(path string) (n int, torn bool, err error) {
	s, err := ScanLedger(path, func(*Line) error { n++; return nil })
	return n, s.Torn, err
}

func TestALedgerIsReadBack(t *testing.T) {
	path := written(t, 3)
	var got []string
	_, err := ScanLedger(path, func(l *Line) error {
		got = append(got, fmt.Sprintf("%v %d %s %x %s %s", l.Answer, l.Seq, l.ID, l.CRC, l.Outcome, l.Source))
		return nil
	})
	want := fmt.Sprintf("false 1 id-0 %x unknown :0:0", checksum([]byte("v")))
	if err != nil || len(got) != 6 || got[0] != want || !strings.HasSuffix(strings.Join(got, "\n"), "true 3  0 ok events:0:2") {
		t.Errorf("%v\n%s", err, strings.Join(got, "\n"))
	}
}

func TestATornLastLineIsLeftOutAndCutOff(t *testing.T) {
	path := written(t, 3)
	whole, _ := os.ReadFile(path)
	for _, cut := range []int{1, 5, 30} {
		if err := os.WriteFile(path, whole[:len(whole)-cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if n, torn, err := lines(path); n != 5 || !torn || err != nil {
			t.Errorf("cut by %d: %d lines, torn %v, %v", cut, n, torn, err)
		}
	}
	l, err := OpenLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	if seq := l.Send(Sending{ID: "later"}, func(error) {}); seq != 4 {
		t.Errorf("goes on with %d, want 4", seq)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if n, torn, err := lines(path); n != 6 || torn || err != nil {
		t.Errorf("afterwards %d lines, torn %v, %v", n, torn, err)
	}
}

func TestADamagedMiddleIsAnErrorThatNamesTheLine(t *testing.T) {
	path := written(t, 3)
	whole, _ := os.ReadFile(path)
	for name, damaged := range map[string][]byte{
		"a changed byte": bytes.Replace(whole, []byte("id-1"), []byte("id-7"), 1),
		"a long line":    bytes.Replace(whole, []byte("id-1"), bytes.Repeat([]byte("x"), 2<<20), 1),
	} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := lines(path); !errors.Is(err, ErrLedger) || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := OpenLedger(path); !errors.Is(err, ErrLedger) {
			t.Errorf("%s: opened: %v", name, err)
		}
	}
	bad := appendLine(nil, &Line{Answer: true, Seq: 9})
	if err := New(Config{}).Take(must(parseLine(bad[:len(bad)-1]))); !errors.Is(err, ErrLedger) {
		t.Errorf("an answer to nothing: %v", err)
	}
}

func must(l Line, _ error) *Line { return &l }

func FuzzLedgerLine(f *testing.F) {
	f.Add([]byte("s 1 1764000000000000 id-1 00000000000000aa 0000beef"))
	f.Add([]byte("a 1 1764000000000000 ok events:1:2"))
	f.Add([]byte("a 1 1764000000000000 unknown -"))
	f.Fuzz(func(t *testing.T, body []byte) {
		whole := append(hex(append(body[:len(body):len(body)], ' '), uint64(checksum(body)), 8), '\n')
		if _, err := scan(bytes.NewReader(body), func(*Line) error { return nil }); err != nil && !errors.Is(err, ErrLedger) {
			t.Fatalf("not told as a damaged ledger: %v", err)
		}
		l, err := parseLine(whole[:len(whole)-1])
		if err != nil {
			if !errors.Is(err, ErrLedger) {
				t.Fatal(err)
			}
			return
		}
		again, err := parseLine(bytes.TrimSuffix(appendLine(nil, &l), []byte("\n")))
		if err != nil || again.Seq != l.Seq || !again.At.Equal(l.At) || !bytes.Equal(again.ID, l.ID) || again.Source != l.Source || again.Outcome != l.Outcome || again.Key != l.Key || again.CRC != l.CRC {
			t.Fatalf("%+v became %+v (%v)", l, again, err)
		}
	})
}
