package sketch

import (
	"fmt"
	"io"
	"strings"
)

// Target is what the file is for, beside what samples tell.
type Target struct {
	Name       string
	Seed       string // HOST:PORT; empty: embedded brokers
	Topic      string
	Partitions int
	Brokers    int    // that answer at Seed
	Endpoint   string // SageMaker endpoint
	URL        string // HTTP model server
	Model      string // model file to serve
}

// Write writes a commented file.
func Write(w io.Writer, g Guess, t Target) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# A betimes pipeline. Every key has a default; `betimes config docs` lists them all.\nname: %s\nobjective: {latency: 250ms, target: 99%%}   # from an event's clock start to its prediction\n", t.Name)
	t.kafka(&b, g)
	t.models(&b, g)
	t.flow(&b, g)
	_, err := io.WriteString(w, b.String())
	return err
}

func (t Target) kafka(b *strings.Builder, g Guess) {
	if t.Seed == "" {
		b.WriteString("\nkafka:\n  embedded: {brokers: 3}               # or seeds: [HOST:9092], with tls and sasl\n")
		return
	}
	fmt.Fprintf(b, "\nkafka:\n  seeds: [%q]\n  create_topics: false                 # missing topics are listed with the command that creates them\n  topics:\n", t.Seed)
	shape := ""
	if g.Value != "json" && g.Samples > 0 {
		shape = ", value: " + g.Value
	}
	if g.Columns > 0 {
		shape += fmt.Sprintf(", columns: [%s]", strings.Join(columnNames(g.Columns), ", "))
	}
	if t.Brokers > 0 && t.Brokers < usualCopies {
		shape += fmt.Sprintf(", replication_factor: %d", t.Brokers)
	}
	fmt.Fprintf(b, "    events: {name: %q, partitions: %d%s}   # %s\n", t.Topic, t.Partitions, shape, read(g))
	fmt.Fprintf(b, "    predictions: {name: %q}\n", t.Topic+"-predictions")
	for _, topic := range []string{"dead-letters", "quarantine", "shed"} {
		fmt.Fprintf(b, "    %s: {name: %q}\n", topic, t.Topic+"-"+topic)
	}
}

// usualCopies is the replication factor that a file has without saying so.
const usualCopies = 3

// read says what the samples were.
func read(g Guess) string {
	if g.Samples == 0 {
		return "the topic is empty, so what follows is no guess; run init again when it has records"
	}
	return fmt.Sprintf("%d of %d samples read as %s", g.Readable, g.Samples, g.Value)
}

func (t Target) models(b *strings.Builder, g Guess) {
	b.WriteString("\nmodels:\n")
	switch {
	case t.Endpoint != "":
		fmt.Fprintf(b, "  main:\n    sagemaker: {endpoint: %q, embedded: false}   # region and credentials from the environment\n    content_type: text/csv             # or application/json\n", t.Endpoint)
	case t.URL != "":
		fmt.Fprintf(b, "  main:\n    rest: {url: %q}\n", t.URL)
	case t.Model != "":
		fmt.Fprintf(b, "  main:\n    sagemaker: {embedded: true}        # served on this machine by the emulator\n    serve: {file: %q}\n", t.Model)
	case t.Seed == "":
		b.WriteString("  fraud:\n    sagemaker: {embedded: true}        # trained and served on this machine by the emulator\n    pure: true\n    train: {algorithm: xgboost, data: builtin:payments, label: fraud, hyperparameters: {objective: \"binary:logistic\", num_round: 60, max_depth: 4}}\n")
	default:
		b.WriteString("  main:                                # the echo stands in for a model; put yours here:\n    sagemaker: {embedded: true}        #   rest: {url: http://HOST:PORT/invocations}\n    serve: {image: builtin:echo}       #   sagemaker: {endpoint: NAME, embedded: false}\n    content_type: text/csv\n")
	}
}

func (t Target) flow(b *strings.Builder, g Guess) {
	b.WriteString("\nflow:\n")
	if t.Seed == "" {
		b.WriteString("  gateway: {listen: 127.0.0.1:8080, key: /card_token, id: /id, event_time: /event_time}\n  feature: {fields: [amount, hour, country_risk, merchant_risk]}\n")
		return
	}
	b.WriteString("  gateway:\n    listen: 127.0.0.1:8080\n")
	if g.Key == "" {
		b.WriteString("    # key: /FIELD   order is kept per key; no field of the samples looks like one\n")
	}
	line(b, "    key: ", g.Key, keyComment(g))
	line(b, "    id: ", g.ID, "no two samples share it; without it an event's id is topic:partition:offset")
	line(b, "    event_time: ", g.EventTime, "a time in every sample")
	b.WriteString("  stream: {from: latest}               # where to begin without committed offsets; earliest takes all there is\n")
	if len(g.Fields) > 0 {
		fmt.Fprintf(b, "  feature:\n    fields: [%s]   # the numbers in every sample; keep those that the model knows, in its order\n", quoted(g.Fields))
	}
	if g.Columns > 0 {
		fmt.Fprintf(b, "  feature:\n    fields: [%s]   # keep those that the model knows, in its order\n", strings.Join(columnNames(g.Columns), ", "))
	}
	if len(g.Others) > 0 {
		fmt.Fprintf(b, "    # not numbers, for `request: EXPRESSION` in place of fields: %s\n", strings.Join(g.Others, ", "))
	}
}

func keyComment(g Guess) string {
	if g.KeySure {
		return "the records' own key: order is kept per key"
	}
	return "a guess: order is kept per key"
}

func line(b *strings.Builder, key, value, comment string) {
	if value != "" {
		fmt.Fprintf(b, "%s%q   # %s\n", key, value, comment)
	}
}

func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(out, ", ")
}
