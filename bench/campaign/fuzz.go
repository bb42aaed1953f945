package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// target is one fuzz target.
type target struct{ pkg, name string }

// fuzz runs every fuzz target of the repository. What fails is kept by go test
// in testdata/fuzz of its package; it stays there as a test.
func fuzz(ctx context.Context, o options, r *report) error {
	targets, err := findTargets(ctx)
	if err != nil {
		return err
	}
	for _, t := range targets {
		if !strings.Contains(t.pkg+" "+t.name, o.only) {
			continue
		}
		o.progress("%s %s for %s", t.pkg, t.name, o.fuzz)
		if err := t.run(ctx, o.fuzz, r); err != nil {
			return err
		}
	}
	r.require(len(r.rows) > 0, "no fuzz target was found")
	return nil
}

// findTargets lists the targets by package.
func findTargets(ctx context.Context) ([]target, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-list", "^Fuzz", "./...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go test -list: %w\n%s%s", err, out, &stderr)
	}
	return parseTargets(out), nil
}

// parseTargets reads what go test -list says: the names, then the package's line.
func parseTargets(out []byte) []target {
	var targets []target
	var names []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 1 && strings.HasPrefix(fields[0], "Fuzz"):
			names = append(names, fields[0])
		case len(fields) > 1 && fields[0] == "ok":
			for _, name := range names {
				targets = append(targets, target{fields[1], name})
			}
			names = nil
		}
	}
	return targets
}

// run fuzzes one target and adds its row; inputs that fail are failures of the campaign.
func (t target) run(ctx context.Context, length time.Duration, r *report) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", length.String(), t.pkg)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p := parseFuzz(out)
	result := "nothing found"
	if err != nil {
		result = "failed"
		r.failures = append(r.failures, fmt.Sprintf("%s %s: %v\n%s", t.pkg, t.name, err, out[max(0, len(out)-3000):]))
	}
	r.add(row{{"package", t.pkg}, {"target", t.name}, {"executions", p.executions}, {"new interesting", p.interesting}, {"result", result}})
	return nil
}

// fuzzed is the last line of progress of a target.
type fuzzed struct{ executions, interesting string }

var fuzzLine = regexp.MustCompile(`execs: (\d+).*new interesting: (\d+)`)

func parseFuzz(out []byte) fuzzed {
	p := fuzzed{"0", "0"}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		if m := fuzzLine.FindStringSubmatch(lines.Text()); m != nil {
			p = fuzzed{m[1], m[2]}
		}
	}
	return p
}
