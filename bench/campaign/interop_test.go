//go:build interop

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestInteropCampaignsInShort runs what takes hours with counts that take seconds.
func TestInteropCampaignsInShort(t *testing.T) {
	o := options{name: "short", seed: 1, on: onEmbedded, log: t.Output(), workdir: t.TempDir()}
	var err error
	if o.binary, err = o.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		count  int
		length time.Duration
		only   string
	}{
		{name: "drains", count: 4},
		{name: "storm", length: 6 * time.Second, only: "static-storm"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			one := o
			one.name, one.count, one.length, one.only = tt.name, tt.count, tt.length, tt.only
			one.log, one.workdir = t.Output(), t.TempDir()
			r := newReport(one)
			if err := campaigns[tt.name](t.Context(), one, r); err != nil {
				t.Fatal(err)
			}
			if err := r.write(t.Output()); err != nil {
				t.Errorf("%v%s", err, said(one.workdir))
			}
		})
	}
}

// said is the end of what every process said.
func said(dir string) string {
	const most = 4096
	var b strings.Builder
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*.log")) // the pattern is sound
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		b.WriteString("\n" + file + "\n" + string(text[max(0, len(text)-most):]))
	}
	return b.String()
}
