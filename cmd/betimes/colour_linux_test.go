package main

import (
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// pseudo opens a terminal that nobody watches.
func pseudo(t *testing.T) *os.File {
	t.Helper()
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = control.Close() })
	fd := int(control.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	screen, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	return screen
}

func TestColourIsForTerminalsThatWantIt(t *testing.T) {
	screen := pseudo(t)
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, c := range map[string]struct {
		out     *os.File
		noColor string
		want    bool
	}{
		"a terminal has colour":            {screen, "", true},
		"NO_COLOR says no":                 {screen, "1", false},
		"a file has none":                  {file, "", false},
		"a file has none with NO_COLOR on": {file, "1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("NO_COLOR", c.noColor)
			if got := colour(c.out); got != c.want {
				t.Errorf("colour %v, want %v", got, c.want)
			}
		})
	}
}
