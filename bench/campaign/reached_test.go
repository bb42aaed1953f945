//go:build interop

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"betimes/internal/failpoint/points"
)

// TestInteropEveryFailpointIsReached takes gateway and stream through everything
// that may bring them to failpoints, without killing them there. A point that
// nothing reaches says nothing about the steps beside it.
func TestInteropEveryFailpointIsReached(t *testing.T) {
	o := options{name: "failpoints", seed: 1, on: onEmbedded, source: "../..", log: t.Output(), workdir: t.TempDir(), ports: &claims{}}
	all, err := points.List(o.source)
	if err != nil {
		t.Fatal(err)
	}
	if o.binary, err = o.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(o.workdir, "reached")
	o.env = []string{"BETIMES_FAILPOINT_LOG=" + log}
	if err := o.inEveryMode(t.Context(), o.wander); err != nil {
		t.Fatalf("%v%s", err, said(o.workdir))
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	reached := map[string]bool{}
	for name := range strings.Lines(string(text)) {
		reached[strings.TrimSpace(name)] = true
	}
	for _, p := range all {
		if !reached[p.Name] {
			t.Errorf("%s (%s) was never reached", p.Name, p.Why)
		}
	}
}

// wander takes the roles through every step.
func (o options) wander(ctx context.Context, m mode, at *place) error {
	f, err := o.newFailRun(ctx, m, at)
	if err != nil {
		return err
	}
	defer f.clear()
	f.armed, f.step = o, 1500*time.Millisecond
	if err := f.replace(o, "stream"); err != nil {
		return err
	}
	cluster, err := at.open()
	if err != nil {
		return err
	}
	defer cluster.Close()
	load, err := o.newSupply(f.at["gateway"].Gateway, f.group, cluster)
	if err != nil {
		return err
	}
	defer load.close()
	return f.loaded(ctx, load, func(ctx context.Context) error {
		for _, role := range []string{"stream", "gateway"} {
			for _, one := range f.steps() {
				if role == "gateway" && one.name != "SIGTERM" {
					continue
				}
				if _, err := one.bring(ctx, role); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
