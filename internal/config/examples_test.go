package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write generated files anew")

func examples(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	return files
}

func TestEveryExampleLoads(t *testing.T) {
	for _, file := range examples(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			l, err := Load(file, Options{Env: env()})
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.TrimSuffix(filepath.Base(file), ".yaml"); l.Config.Name != want {
				t.Errorf("name %q, want %q", l.Config.Name, want)
			}
		})
	}
}

func TestEveryExampleFitsTheSchema(t *testing.T) {
	schema := compiledSchema(t)
	for _, file := range examples(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(decoded(t, data)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestTheSchemaFindsMistakes(t *testing.T) {
	schema := compiledSchema(t)
	for _, text := range []string{
		"nam: a", "kafka: {embedded: {broker: 3}}", "objective: {latency: 250}", "objective: {latency: soon}",
		"kafka: {topics: {events: {partitions: many}}}", "models: {a: {oip: {shape: 1}}}", "flow: {feature: {fields: amount}}", "[]",
	} {
		if schema.Validate(decoded(t, []byte(text))) == nil {
			t.Errorf("%s fits the schema", text)
		}
	}
	for _, text := range []string{
		"{}", "kafka: {embedded: {brokers: '${BROKERS:-3}'}}", "objective: {window: 1d12h}", "drain_delay: auto", "memory: 512MiB",
		"kafka: {embedded: null}", "models: {a: {train: {hyperparameters: {num_round: 60, exact: true}}}}", "flow: {stream: {concurrency: 8}}",
		"kafka: {topics: {predictions: {name: p, format: raw}}}",
	} {
		if err := schema.Validate(decoded(t, []byte(text))); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("betimes.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("betimes.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// decoded is a file as an editor's schema check sees it.
func decoded(t *testing.T, text []byte) any {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestDocsAreGenerated(t *testing.T) {
	const file = "../../docs/config.md"
	var made bytes.Buffer
	if err := Docs(&made); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, made.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, made.Bytes()) {
		t.Errorf("%s is not what is generated now; run go test ./internal/config -update", file)
	}
}

func TestEveryKeyHasItsMeaning(t *testing.T) {
	for _, k := range Keys() {
		if k.Doc == "" {
			t.Errorf("%s: the field has no doc tag", k.Path)
		}
	}
}
