package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// passingEvery is how often a figure of the moment is worth a line of a file.
const passingEvery = time.Minute

// progress shows what takes a while, one line each. On a terminal a figure of
// the moment is a line that the next one replaces.
func progress(w io.Writer) func(text string, passes bool) {
	if isTerminal(w) {
		return func(text string, passes bool) {
			if passes { // the cursor goes back, so that whatever comes next is written over it
				fmt.Fprintf(w, "\r\x1b[K%s\r", fitting("  "+text, width(w)))
				return
			}
			fmt.Fprintf(w, "\r\x1b[K  %s\n", text)
		}
	}
	var passed time.Time
	return func(text string, passes bool) {
		if passes && time.Since(passed) < passingEvery {
			return
		}
		if passes {
			passed = time.Now()
		}
		fmt.Fprintln(w, "  "+text)
	}
}

// width is how many characters a line of the terminal takes.
func width(w io.Writer) int {
	const usual = 80
	f, ok := w.(*os.File)
	if !ok {
		return usual
	}
	if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
		return n
	}
	return usual
}

// fitting cuts a text to less than a line: one that wraps cannot be written over.
func fitting(text string, width int) string {
	if c := []rune(text); len(c) >= width {
		return string(c[:max(0, width-2)]) + "…"
	}
	return text
}
