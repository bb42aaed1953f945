//go:build interop

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain is also the parts of bench that are processes of their own, as main is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "part-") {
		if err := run(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestInteropARegimeLosesNothingAndSharesCalls is one regime of P4 with processes as
// they are measured, for a few seconds and without a word about time: a model of 488
// calls a second is asked about 1,000 records.
func TestInteropARegimeLosesNothingAndSharesCalls(t *testing.T) {
	t.Setenv(isolatedClass, "none")
	home := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", sutIn(home), "betimes/cmd/betimes")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	sc, _ := scenarioOf("p4")
	ours := system{name: "betimes", program: sutIn(home), asks: true, args: betimesArgs}
	r := trial{ground: &ground{kind: embedded}, scenario: sc, system: ours, rate: 1000, window: 2 * time.Second, seed: 1, home: home, patience: 2 * time.Minute}
	got, err := r.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Sent < 4000 || got.Lost+got.Duplicated+got.Wrong+got.Reordered > 0 {
		t.Errorf("of %d records %d were lost, %d duplicated, %d wrong, %d out of order within their key", got.Sent, got.Lost, got.Duplicated, got.Wrong, got.Reordered)
	}
	if got.everCalled >= int64(got.Sent) {
		t.Errorf("%d calls for %d records: none was shared", got.everCalled, got.Sent)
	}
}
