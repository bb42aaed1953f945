//go:build interop

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain is also the container that emulator-kills lets an emulator start.
func TestMain(m *testing.M) {
	if os.Getenv(partVariable) == partModel {
		if err := serveModel(); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestInteropCampaignsInShort runs what takes hours with counts that take seconds.
func TestInteropCampaignsInShort(t *testing.T) {
	o := options{name: "short", seed: 1, untimed: true, source: "../..", log: t.Output(), workdir: t.TempDir(), ports: &claims{}}
	plain, err := o.build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		on     string
		count  int
		length time.Duration
		only   string
		mode   string
	}{
		{name: "drains", on: onEmbedded, count: 4},
		{name: "storm", on: onEmbedded, length: 6 * time.Second, only: "static-storm"},
		{name: "hostile", on: onEmbedded, count: 500, length: 8 * time.Second},
		{name: "memory", on: onEmbedded, count: 300},
		{name: "skew", on: onEmbedded, length: 6 * time.Second},
		{name: "overload", on: onEmbedded, length: 3 * time.Second},
		{name: "failover", on: onReal, mode: "exactly_once", count: 1, length: 16 * time.Second, only: "2s"},
		{name: "kills", count: 3, only: "v1"},
		{name: "kills", count: 3, only: "slow"},
		{name: "kills", on: onEmbedded, mode: "exactly_once", count: 5, only: "roles"},
		{name: "kills", on: onEmbedded, mode: "exactly_once", count: 4, only: "endpoints"},
		{name: "failpoints", on: onEmbedded, mode: "at_least_once", count: 1, only: ".commit."},
		{name: "emulator-kills", count: 3},
		{name: "emulator", count: 1, length: 3 * time.Second},
		{name: "faults", on: onEmbedded, mode: "exactly_once", only: "of transactions lost"},
	} {
		t.Run(strings.TrimSpace(tt.name+" "+tt.only), func(t *testing.T) {
			one := o
			one.name, one.on, one.count, one.length, one.only, one.mode = tt.name, tt.on, tt.count, tt.length, tt.only, tt.mode
			one.log, one.workdir, one.binary = t.Output(), t.TempDir(), plain
			if one.tags() != "" {
				one.binary = ""
				if one.binary, err = one.build(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
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
