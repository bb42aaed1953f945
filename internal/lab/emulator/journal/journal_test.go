package journal

import (
	"strings"
	"sync"
	"testing"
)

func TestEntriesAreReadFromWhereOneStopped(t *testing.T) {
	var j Journal
	for _, text := range []string{"a", "b", "c"} {
		j.Note(Entry{Kind: State, Text: text})
	}
	var got strings.Builder
	if err := j.Since(&got, 1); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(strings.TrimSpace(got.String()), "\n"); len(lines) != 2 || !strings.Contains(lines[0], `"text":"b"`) || !strings.Contains(lines[1], `"seq":3`) {
		t.Errorf("read %q", got.String())
	}
}

func TestTheOldestAreForgotten(t *testing.T) {
	var j Journal
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range size / 2 {
				j.Note(Entry{Kind: Request})
			}
		})
	}
	all.Wait()
	var got strings.Builder
	if err := j.Since(&got, 0); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(got.String(), "\n"); n != size {
		t.Errorf("%d entries are kept, want %d", n, size)
	}
}

func TestAWriterThatFellARingBehindHidesNothing(t *testing.T) {
	var j Journal
	for range size + 1 {
		j.Note(Entry{Kind: Request})
	}
	j.store(&Entry{Seq: 1}) // numbered first, stored last
	var got strings.Builder
	if err := j.Since(&got, 0); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(got.String(), "\n"); n != size {
		t.Errorf("%d entries are kept, want %d", n, size)
	}
}
