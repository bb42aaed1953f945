package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// suites are the tests of the repository that ask for promises of brokers.
var suites = []struct{ pkg, tests string }{
	{"./internal/app", "^TestInterop(Delivery|AShareGroup|Takeover|ExamplesRunOnApacheKafka|LettersGoHomeOnApacheKafka)$"},
	{"./internal/kafka", "^TestInterop(TheDoor|Logins|TokensAreRenewedWhileRecordsFlow)$"},
}

// brokers runs the delivery tests of the repository and tells each: all of them
// on embedded brokers and Apache Kafka, or those that need no broker to be killed
// on brokers that run already.
func brokers(ctx context.Context, o options, r *report) error {
	if o.seeds == "" && o.cluster == "" {
		for _, s := range suites {
			if err := o.suite(ctx, s.pkg, s.tests, nil, r); err != nil {
				return err
			}
		}
		return nil
	}
	file, err := o.clusterFile(ctx)
	if err != nil {
		return err
	}
	return o.suite(ctx, "./internal/app", "^TestInteropDelivery$", []string{"BETIMES_TEST_CLUSTER=" + file}, r)
}

// clusterFile is the file of -cluster, or one made of -seeds.
func (o options) clusterFile(ctx context.Context) (string, error) {
	if o.cluster != "" {
		return filepath.Abs(o.cluster)
	}
	at, err := o.given(ctx)
	if err != nil {
		return "", err
	}
	o.progress("%d brokers", at.count)
	file := filepath.Join(o.workdir, "cluster.yaml")
	text := fmt.Sprintf("kafka:\n  seeds: [%s]\n  topics: {events: {replication_factor: %d}}\n", strings.Join(at.seeds, ", "), min(3, at.count))
	return file, os.WriteFile(file, []byte(text), 0o600)
}

// suite runs tests of one package and adds a row for each.
func (o options) suite(ctx context.Context, pkg, tests string, env []string, r *report) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-json", "-tags", "interop", "-count=1", "-timeout=60m", "-run", tests, pkg)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	results := parseResults(out)
	for _, t := range results {
		o.progress("%s %s", t.result, t.name)
		r.add(row{{"test", t.name}, {"result", t.result}, {"time", fmt.Sprintf("%.1f s", t.seconds)}, {"what it counted", t.counted}})
		r.require(t.result == "pass", "%s\n%s", t.name, t.said())
	}
	r.require(len(results) > 0, "%s has no test of these names, or does not build: %v", pkg, err)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("go test: %w", err)
	}
	return nil
}

// tested is what go test says of one test without parts.
type tested struct {
	name, result, counted string
	seconds               float64
	output                []string
}

func (t *tested) said() string {
	const most = 40
	return strings.Join(t.output[max(0, len(t.output)-most):], "")
}

// parseResults reads the lines of go test -json. A test with parts is told by
// them.
func parseResults(out []byte) []*tested {
	var all []*tested
	byName := map[string]*tested{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct {
			Action, Test, Output string
			Elapsed              float64
		}
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Test == "" {
			continue
		}
		t := byName[e.Test]
		if t == nil {
			t = &tested{name: e.Test}
			byName[e.Test] = t
			all = append(all, t)
		}
		t.hear(e.Action, e.Output, e.Elapsed)
	}
	parents := map[string]bool{}
	for name := range byName {
		for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
			parents[name[:i]] = true
		}
	}
	return slices.DeleteFunc(all, func(t *tested) bool { return parents[t.name] })
}

// hear takes one line in. What was counted is the newest line that says lost.
func (t *tested) hear(action, output string, seconds float64) {
	switch action {
	case "output":
		t.output = append(t.output, output)
		if _, text, ok := strings.Cut(strings.TrimSpace(output), ": "); ok && strings.Contains(text, "lost ") {
			t.counted = text
		}
	case "pass", "fail", "skip":
		t.result, t.seconds = action, seconds
	}
}
