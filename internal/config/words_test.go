package config

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestNoSecretIsPrinted(t *testing.T) {
	const planted = "hunter2"
	dir := folder(t, "token", planted)
	text := "kafka: {seeds: [a:1], tls: {}, sasl: {mechanism: plain, username: u, password: " + planted + "}}\nflow: {stream: {from: latest}}\n" +
		"admin: {metrics_token: file:" + dir + "/token, tokens: [{name: ops, role: read, token: " + planted + "}]}\n" +
		"models: {a: {rest: {url: http://127.0.0.1:1/x, headers: {Authorization: Bearer " + planted + "}}}}\n"
	l := mustParse(t, text, Options{})
	var b bytes.Buffer
	if err := l.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, f := range Production(l.Config) {
		b.WriteString(f.Text)
	}
	b.WriteString(Diagram(l.Config))
	other := l.Config
	other.Admin.MetricsToken = l.Config.Kafka.SASL.Password
	for _, c := range Diff(l.Config, other) {
		b.WriteString(c.Old + c.New)
	}
	for _, wrong := range []string{"admin: {tokens: " + planted + "}", "kafka: {sasl: " + planted + "}", "aws: {endpoint_url: 'http://me:" + planted + "@127.0.0.1:1'}",
		"models: {a: {rest: {url: 'http://me:" + planted + "@127.0.0.1:1/x'}}}", "models: {a: {sagemaker: {url: 'http://me:" + planted + "@127.0.0.1:1'}}}",
		"admin: {metrics_token: [" + planted + "]}"} {
		_, err := Parse("v1.yaml", []byte(wrong), Options{Env: env()})
		b.WriteString(err.Error())
	}
	if strings.Contains(b.String(), planted) {
		t.Errorf("the secret is in\n%s", b.String())
	}
	if want := "admin.metrics_token: file:" + dir + "/token"; !strings.Contains(b.String(), want) {
		t.Errorf("%s is missing: where a secret is read from is none", want)
	}
}

func TestDiffSaysWhatAChangeAsksFor(t *testing.T) {
	const before = "name: a\nmodels: {a: {rest: {url: http://127.0.0.1:1/a}}}\n"
	for _, tt := range []struct{ name, set, path, old, new string }{
		{"an objective", "objective.latency=1s", "objective.latency", "250ms", "1s"},
		{"a log level", "log.level=debug", "log.level", "info", "debug"},
		{"a rate", "flow.gateway.rate=100", "flow.gateway.rate", "0", "100"},
		{"an address", "admin.listen=127.0.0.1:9", "admin.listen", "127.0.0.1:8090", "127.0.0.1:9"},
		{"a model's URL", "models.a.rest.url=http://127.0.0.1:1/b", "models.a.rest.url", "http://127.0.0.1:1/a", "http://127.0.0.1:1/b"},
		{"a topic's name", "kafka.topics.events.name=e", "kafka.topics.events.name", "events", "e"},
		{"a group", "flow.stream.group=g", "flow.stream.group", "a", "g"},
		{"a header that is new", "models.a.rest.headers.X=1", "models.a.rest.headers.X", "", "[secret]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			changes := Diff(mustParse(t, before, Options{}).Config, mustParse(t, before, Options{Set: []string{tt.set}}).Config)
			if len(changes) != 1 || changes[0].Path != tt.path || changes[0].Old != tt.old || changes[0].New != tt.new {
				t.Errorf("%+v", changes)
			}
		})
	}
	if changes := Diff(mustParse(t, before, Options{}).Config, mustParse(t, before, Options{}).Config); len(changes) != 0 {
		t.Errorf("the same file differs: %+v", changes)
	}
}

func TestEffectsOfChanges(t *testing.T) {
	for path, want := range map[string]Effect{
		"objective.latency": Live, "log.level": Live, "flow.gateway.rate": Live, "flow.gateway.tokens[0].token": Live,
		"admin.listen": Restart, "models.a.rest.url": Restart, "objective.from": Restart, "kafka.topics.predictions.format": Restart,
		"name": Breaks, "data_dir": Breaks, "kafka.topics.shed.name": Breaks, "kafka.topics.events.partitions": Breaks, "flow.stream.group": Breaks,
	} {
		if got := effectOf(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if Worst(nil) != "" || Worst([]Change{{Effect: Live}, {Effect: Breaks}, {Effect: Restart}}) != Breaks {
		t.Error("the worst of several is not found")
	}
}

func TestTheDiagramHasThePartsOfTheDrawing(t *testing.T) {
	drawn := Diagram(mustParse(t, "{}", Options{}).Config)
	for _, part := range []string{"Producers", "Data Preprocessor", "Redpanda / Kafka cluster", "Broker 1", "Broker 3", "Load Balancer", "Stream Processor",
		"SageMaker inference instance", "SageMaker training instance", "Latency Monitor", "Monitoring Dashboard", "predictions", "dead-letters"} {
		if !strings.Contains(drawn, part) {
			t.Errorf("%s is missing in\n%s", part, drawn)
		}
	}
	if strings.Contains(drawn, "Broker 4") {
		t.Error("a fourth broker is drawn")
	}
	wellFormed(t, drawn)
	wellFormed(t, Diagram(mustParse(t, "models: {a: {rest: {url: 'http://127.0.0.1:1/\"<b>#'}}}", Options{}).Config))
}

// wellFormed checks what a Mermaid reader would stumble over: unknown nodes in
// arrows, open subgraphs, quotes inside labels.
func wellFormed(t *testing.T, drawn string) {
	t.Helper()
	node := regexp.MustCompile(`^\s*(?:subgraph )?([a-z]+\d*)[\[({]`)
	arrow := regexp.MustCompile(`^\s*([a-z]+\d*) (?:-->|-\.->|<-->)(?:\|[^|]*\|)? ([a-z]+\d*)`)
	known, open := map[string]bool{}, 0
	lines := strings.Split(strings.TrimSpace(drawn), "\n")
	for _, line := range lines {
		if m := node.FindStringSubmatch(line); m != nil {
			known[m[1]] = true
		}
		open += strings.Count(line, "subgraph ")
		if strings.TrimSpace(line) == "end" {
			open--
		}
		if strings.Count(line, `"`) > 2 {
			t.Errorf("a quote inside a label: %s", line)
		}
	}
	for _, line := range lines {
		m := arrow.FindStringSubmatch(strings.Replace(line, "-.->|Kafka|", "-.->", 1))
		if m != nil && (!known[m[1]] || !known[m[2]]) {
			t.Errorf("an arrow to nowhere: %s", line)
		}
	}
	if lines[0] != "flowchart LR" || open != 0 {
		t.Errorf("first line %q, %d subgraphs left open", lines[0], open)
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"250ms": 250 * time.Millisecond, "30d": 30 * day, "1d12h": 36 * time.Hour, "0s": 0, "0": 0, "1h30m": 90 * time.Minute, "1.5s": 1500 * time.Millisecond,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1s", "5", "d", "1d2", "1x", "99999999h", "999999d", "1d-5h", "+1s1"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q is read as %s", text, got)
		}
	}
	for want, d := range map[string]time.Duration{
		"30d": 30 * day, "24h": day, "36h": 36 * time.Hour, "1h30m": 90 * time.Minute, "10m": 10 * time.Minute, "0s": 0, "1m30s": 90 * time.Second, "250ms": 250 * time.Millisecond,
	} {
		if got := formatDuration(d); got != want {
			t.Errorf("%v is written %s, want %s", d, got, want)
		}
	}
}

func TestThePredictionSchemaIsJSON(t *testing.T) {
	text, err := PredictionSchema()
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]any
	}
	if err := json.Unmarshal(text, &schema); err != nil || schema.Properties["latency_us"] == nil {
		t.Errorf("%v %s", err, text)
	}
}
