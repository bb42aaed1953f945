package trail

import (
	"fmt"
	"log/slog"
	"testing"

	"betimes/internal/event"
)

// filled is an index of n events on disk.
func filled(b *testing.B, n int) *index {
	b.Helper()
	ix := newIndex(b.TempDir(), 1<<30, slog.New(slog.DiscardHandler))
	if err := ix.load(); err != nil {
		b.Fatal(err)
	}
	k := newKeeper(ix)
	for i := range n {
		ix.accept(fmt.Sprintf("event-%d", i), event.Source{Topic: "events", Offset: int64(i)}, began)
		k.turn()
	}
	k.wait()
	return ix
}

func BenchmarkAccept(b *testing.B) {
	ix := filled(b, 0)
	k := newKeeper(ix)
	for i := 0; b.Loop(); i++ {
		ix.accept(fmt.Sprintf("event-%d", i), event.Source{Topic: "events", Offset: int64(i)}, began)
		k.turn()
	}
	k.wait()
}

func BenchmarkFind(b *testing.B) {
	const n = 3_000_000
	ix := filled(b, n)
	for name, id := range map[string]func(i int) string{
		"known":   func(i int) string { return fmt.Sprintf("event-%d", i*7919%n) },
		"unknown": func(i int) string { return fmt.Sprintf("other-%d", i) },
	} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if _, err := ix.find(id(i)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
