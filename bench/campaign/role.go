package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"
)

// station is one role in a process of its own: a folder, a file and ports.
type station struct {
	role     string
	dir      string
	file     string
	Name     string // of the pipeline
	Seeds    string
	Copies   int      // of each partition
	Model    string   // URL
	Endpoint string   // of the SageMaker at Model, asked about one event at a time; empty: Model is a plain server
	Servers  []string // URLs of plain servers that are asked about events together, and a second time where that takes long; empty: Model alone
	Gateway  string
	Admin    string
	Memory   string // memory: of the file
	From     string
	Settings []string // of flow.stream
	Feature  string   // of flow
	Flow     []string // lines of flow
	Latency  string   // the objective; empty: a minute
}

var stationFile = template.Must(template.New("station").Parse(`name: {{.Name}}
data_dir: data
objective: {latency: {{or .Latency "60s"}}}
{{- if .Memory}}
memory: {{.Memory}}
{{- end}}
kafka:
  seeds: [{{.Seeds}}]
  create_topics: true
  topics: {events: {partitions: 12, replication_factor: {{.Copies}}}}
models:
  stub:
{{- if .Servers}}
    pure: true
    batch: instances
    endpoints:
{{- range .Servers}}
    - rest: {url: "{{.}}"}
{{- end}}
{{- else if .Endpoint}}
    sagemaker: {endpoint: {{.Endpoint}}, url: "{{.Model}}"}
    batch: none
{{- else}}
    rest: {url: "{{.Model}}"}
{{- end}}
    content_type: application/json
flow:
  gateway: {listen: "{{.Gateway}}", key: /card_token, id: /id}
  model: stub
{{- if .Servers}}
  balance: {hedge: {at: p90, budget: 10%}}
{{- end}}
{{- if .Feature}}
  feature: {{.Feature}}
{{- end}}
{{- range .Flow}}
  {{.}}
{{- end}}
  stream:
    from: {{.From}}
{{- range .Settings}}
    {{.}}
{{- end}}
admin: {listen: "{{.Admin}}"}
`))

// station makes one more process's folder, file and ports; model is the URL
// that it asks. A stream's identity is its folder: the same one comes back as
// the same member.
func (o options) station(at *place, role, pipeline, model string, stream ...string) (*station, error) {
	dir, err := os.MkdirTemp(o.workdir, role+"-")
	if err != nil {
		return nil, err
	}
	first, err := o.ports.take(2)
	if err != nil {
		return nil, err
	}
	s := &station{
		role: role, dir: dir, file: filepath.Join(dir, "betimes.yaml"), Name: pipeline, Seeds: strings.Join(at.seeds, ", "),
		Copies: min(3, at.count), Model: model, Gateway: loopback(first), Admin: loopback(first + 1), From: "earliest", Settings: stream,
	}
	return s, nil
}

// start starts the station's process, on what one before left in its folder.
func (o options) startStation(s *station) (*process, error) {
	var text strings.Builder
	if err := stationFile.Execute(&text, s); err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.file, []byte(text.String()), 0o600); err != nil {
		return nil, err
	}
	return o.start(s.role, s.file)
}

// working starts the station's process and waits until it is ready: a stream
// has partitions, a gateway takes events.
func (o options) working(ctx context.Context, s *station) (*process, error) {
	p, err := o.startStation(s)
	if err != nil {
		return nil, err
	}
	if err := assigned(ctx, p, s.Admin); err != nil {
		p.clear()
		return nil, err
	}
	return p, nil
}

// until looks again and again whether something is so.
func until(ctx context.Context, most time.Duration, what string, so func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("waited %s for %s", most, what))
	defer cancel()
	for !so() {
		if pause(ctx, 2*time.Millisecond) != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}
