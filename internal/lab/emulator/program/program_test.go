package program

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// run starts a shell script whose folder has ml.
func run(t *testing.T, s *Starter, text string) (*Running, string) {
	t.Helper()
	base := filepath.Join(t.TempDir(), "program")
	if err := os.MkdirAll(filepath.Join(base, "ml"), 0o700); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(base, "out"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Start(Command{Path: "/bin/sh", Arguments: []string{"-c", text}, Base: base, Output: out, Variables: []string{"ML=" + s.Seen(base)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Kill(); <-r.Alive().Done(); _ = out.Close() })
	return r, base
}

// within waits for a condition that other processes make true.
func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); !holds(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

func there(path string) func() bool {
	return func() bool { _, err := os.Stat(path); return err == nil }
}

func TestAProgramSeesItsFolderAndSaysHowItEnded(t *testing.T) {
	r, base := run(t, &Starter{}, `echo said; echo left > "$ML/file"; exit 7`)
	<-r.Alive().Done()
	left, _ := os.ReadFile(filepath.Join(base, "ml", "file"))
	said, _ := os.ReadFile(filepath.Join(base, "out"))
	if r.ExitCode() != 7 || string(left) != "left\n" || string(said) != "said\n" {
		t.Errorf("ended with %d, left %q, said %q", r.ExitCode(), left, said)
	}
	r, _ = run(t, &Starter{}, `kill -9 $$`)
	if <-r.Alive().Done(); r.ExitCode() != 137 {
		t.Errorf("killed, ended with %d", r.ExitCode())
	}
}

// busy is a child that shows that it lives; escaped is one that leaves the group.
const (
	busy    = `(while :; do echo > "$ML/alive"; sleep 0.01; done) & `
	escaped = `setsid sh -c 'while :; do echo > "$ML/alive"; sleep 0.01; done' & `
)

// gone checks that nothing touches the file any more.
func gone(t *testing.T, base string) {
	t.Helper()
	alive := filepath.Join(base, "ml", "alive")
	_ = os.Remove(alive)
	<-time.After(50 * time.Millisecond)
	if there(alive)() {
		t.Error("the child lives")
	}
}

func TestWhatAProgramStartedEndsWithIt(t *testing.T) {
	for name, text := range map[string]string{
		"by itself": busy + `sleep 0.1`, "by a crash": busy + `sleep 0.1; kill -9 $$`, "in another session": escaped + `sleep 0.1`,
	} {
		t.Run(name, func(t *testing.T) {
			r, base := run(t, &Starter{}, text)
			<-r.Alive().Done()
			gone(t, base)
		})
	}
}

func TestASweepEndsTheProgramsBelowAFolder(t *testing.T) {
	r, base := run(t, &Starter{}, escaped+`sleep 60`)
	spared, sparedBase := run(t, &Starter{}, `sleep 60`)
	within(t, "the child begins", there(filepath.Join(base, "ml", "alive")))
	if n := Sweep(filepath.Dir(base)); n < 2 {
		t.Errorf("%d processes ended, want program and child", n)
	}
	<-r.Alive().Done()
	gone(t, base)
	if spared.Alive().Err() != nil {
		t.Error("a program of another folder ended")
	}
	if n := Sweep(sparedBase[:len(sparedBase)-1]); n != 0 {
		t.Errorf("%d ended of a folder whose name only begins so", n)
	}
}
