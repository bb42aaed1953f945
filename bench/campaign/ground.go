package main

import (
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"betimes/internal/kafka"
)

// ground is where one run happens: a folder and ports of its own.
type ground struct {
	dir                      string
	Name                     string
	Latency                  string // the objective
	Model                    string // URL of a stub; empty: the example problem on the emulator
	Gateway, Emulator, Admin string
	Kafka                    string   // of the first embedded broker
	Seeds                    []string // of all
	Brokers                  int
	Foreign                  string // seeds of brokers that run elsewhere; empty: embedded
}

// brokersOf is how many brokers each ground has, as V1.
const brokersOf = 3

// ground makes the folder and takes ports.
func (o options) ground(name string) (*ground, error) {
	dir, err := os.MkdirTemp(o.workdir, name+"-")
	if err != nil {
		return nil, err
	}
	first, err := o.ports.take(brokersOf + 3)
	if err != nil {
		return nil, err
	}
	g := &ground{dir: dir, Name: name, Latency: "250ms", Brokers: brokersOf}
	for i := range brokersOf {
		g.Seeds = append(g.Seeds, loopback(first+i))
	}
	g.Kafka = g.Seeds[0]
	g.Gateway, g.Emulator, g.Admin = loopback(first+brokersOf), loopback(first+brokersOf+1), loopback(first+brokersOf+2)
	return g, nil
}

// pipelineFile is one pipeline: V1's example problem, or a stub that is asked
// with the payload as it is.
var pipelineFile = template.Must(template.New("file").Parse(`name: {{.Name}}
data_dir: data
objective: {latency: {{.Latency}}}
kafka:
{{- if .Foreign}}
  seeds: [{{.Foreign}}]
  create_topics: true
{{- else}}
  embedded: {brokers: {{.Brokers}}, listen: "{{.Kafka}}"}
  topics: # all is read in the end
    events: {max_bytes: 64GiB}
    predictions: {max_bytes: 64GiB}
    dead-letters: {max_bytes: 64GiB}
    quarantine: {max_bytes: 64GiB}
    shed: {max_bytes: 64GiB}
{{- end}}
{{- if .Model}}
models:
  stub:
    rest: {url: "{{.Model}}"}
    content_type: application/json
{{- end}}
flow:
  gateway: {listen: "{{.Gateway}}", key: /card_token, id: /id, event_time: /event_time}
{{- if .Model}}
  model: stub
{{- end}}
{{- if .Foreign}}
  stream: {from: earliest}
{{- end}}
{{- if not .Model}}
lab:
  emulator: {listen: "{{.Emulator}}"}
{{- end}}
admin: {listen: "{{.Admin}}"}
`))

// write writes the ground's file and returns its path.
func (g *ground) write(name string) (string, error) {
	var text strings.Builder
	if err := pipelineFile.Execute(&text, g); err != nil {
		return "", err
	}
	path := filepath.Join(g.dir, name)
	return path, os.WriteFile(path, []byte(text.String()), 0o600)
}

// open is this process's own way to the brokers.
func (g *ground) open() (*kafka.Cluster, error) {
	cfg := kafka.DefaultConfig()
	cfg.Seeds = g.Seeds
	return kafka.Open(cfg, kafka.Deps{Pipeline: "campaign"})
}

// The topics of every ground, which keep their default names.
const (
	topicEvents      = "events"
	topicPredictions = "predictions"
	topicDeadLetters = "dead-letters"
	topicQuarantine  = "quarantine"
	topicShed        = "shed"
)

func terminals() []string {
	return []string{topicPredictions, topicDeadLetters, topicQuarantine, topicShed}
}
