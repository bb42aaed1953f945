package main

import (
	"fmt"
	"strings"
)

// ground is the brokers that runs happen on.
type ground struct {
	kind  string
	what  string   // for the report
	seeds []string // empty: embedded ones of each run's own
	pid   int      // of brokers on this machine that outlive a run; 0: none
	part  *part
}

// openGround starts or finds brokers of a kind.
func openGround(o options, kind string) (*ground, error) {
	switch {
	case len(o.seeds) > 0:
		return &ground{kind: kind, what: "at " + strings.Join(o.seeds, ","), seeds: o.seeds}, nil
	case kind == embedded:
		return &ground{kind: kind, what: "embedded (1)"}, nil
	}
	p, err := startPart(equal, "100", partBrokers)
	if err != nil {
		return nil, err
	}
	g := &ground{kind: kind, part: p, pid: p.cmd.Process.Pid}
	if err = p.hear(&g.seeds); err == nil {
		err = freeCompilers(g.pid)
	}
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("real brokers: %w", err)
	}
	g.what = realBrokers
	return g, nil
}

func (g *ground) close() {
	if g.part != nil {
		g.part.stop()
	}
}
