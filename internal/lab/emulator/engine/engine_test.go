package engine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// script makes an engine of a shell script in the folder of the test, and names it from there.
func script(t *testing.T, text string) string {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("engine", []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return "./engine"
}

func TestAContainerIsStartedAsItWasAskedFor(t *testing.T) {
	e := &Engine{Program: script(t, "exit 0"), Dir: t.TempDir()}
	if err := e.Find(t.Context(), "own:1"); err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(t.TempDir(), `a,readonly "b"`)
	got, err := e.Command(Container{Image: "--privileged", Base: base, Port: 1234, Arguments: []string{"--serve"}, Variables: []string{"--A=b c"}})
	if err != nil {
		t.Fatal(err)
	}
	defer got.After()
	if !filepath.IsAbs(got.Path) {
		t.Errorf("it is looked for at %s in the folder of the container", got.Path)
	}
	at := slices.Index(got.Arguments, "--mount")
	if want := `type=bind,"source=` + strings.ReplaceAll(base, `"`, `""`) + `/ml",target=/opt/ml`; got.Arguments[at+1] != want {
		t.Errorf("mounts %s, want %s", got.Arguments[at+1], want)
	}
	rest := got.Arguments[slices.Index(got.Arguments, "--publish"):]
	if want := []string{"--publish", "127.0.0.1:1234:8080", "--env", "--A=b c", "--", "--privileged", "--serve"}; !slices.Equal(rest, want) {
		t.Errorf("arguments %q, want %q", rest, want)
	}
}

func TestAnEngineThatIsNotThereIsNotAsked(t *testing.T) {
	for name, e := range map[string]*Engine{
		"none":            nil,
		"switched off":    {},
		"not installed":   {Program: "/nowhere/docker"},
		"nothing to run":  {Program: t.TempDir()},
		"of no such name": {Program: "betimes-has-no-such-engine"},
	} {
		err, found := e.Here(), e.Find(t.Context(), "own:1")
		if err == nil || found == nil || !strings.Contains(found.Error(), "no container engine in this emulator") {
			t.Errorf("%s: %v, %v", name, err, found)
		}
	}
}

func TestWhatAnEngineComplainsOfIsTold(t *testing.T) {
	e := &Engine{Program: script(t, `echo "loading" >&2; echo "Error: No such image: $6" >&2; exit 1`), Dir: t.TempDir()}
	if err := e.Here(); err != nil {
		t.Error(err)
	}
	if err := e.Find(t.Context(), "own:1"); err == nil || !strings.HasSuffix(err.Error(), `says "Error: No such image: own:1"`) {
		t.Error(err)
	}
}
