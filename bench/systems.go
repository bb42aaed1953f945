package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"betimes/bench/floor/load"
)

// system is one that takes its turn.
type system struct {
	name    string
	program string
	asks    bool // it asks the model
	args    func(r place) ([]string, error)
}

// place is where one run of a system happens.
type place struct {
	Dir    string
	Topics load.Topics
	URL    string
	Group  string
}

// systems are the floors and, when given, betimes; they take turns in this order.
func systems(o options, home string) ([]system, error) {
	floor := floorIn(home)
	all := []system{
		{name: "F0", program: floor, args: floorArgs(false)},
		{name: "F1", program: floor, asks: true, args: floorArgs(true)},
	}
	if o.sut == "" {
		return all, nil
	}
	sut, err := filepath.Abs(o.sut)
	if err == nil {
		_, err = os.Stat(sut)
	}
	if err != nil {
		return nil, fmt.Errorf("-sut: %w; build it with go build -o betimes ./cmd/betimes", err)
	}
	return append(all, system{name: "betimes", program: sut, asks: true, args: betimesArgs}), nil
}

func floorArgs(ask bool) func(place) ([]string, error) {
	return func(r place) ([]string, error) {
		args := []string{"-seeds", strings.Join(r.Topics.Seeds, ","), "-in", r.Topics.In, "-out", r.Topics.Out, "-group", r.Group}
		if ask {
			args = append(args, "-url", r.URL)
		}
		return args, nil
	}
}

// betimesConfig is the stream role alone, with the payload as it is through the
// rest door: at-least-once, order by key, attribution and metrics on.
const betimesConfig = `name: {{.Group}}
data_dir: {{.Dir}}/data
kafka:
  seeds: [{{range $i, $s := .Topics.Seeds}}{{if $i}}, {{end}}"{{$s}}"{{end}}]
  create_topics: true
  topics:
    events: {name: {{.Topics.In}}, partitions: 8, replication_factor: 1}
    predictions: {name: {{.Topics.Out}}, replication_factor: 1}
    dead-letters: {name: {{.Topics.In}}-dead-letters, replication_factor: 1}
    quarantine: {name: {{.Topics.In}}-quarantine, replication_factor: 1}
    shed: {name: {{.Topics.In}}-shed, replication_factor: 1}
models:
  stub:
    rest: {url: {{.URL}}}
    content_type: application/json
flow:
  model: stub
  stream: {from: latest}
admin: {listen: "127.0.0.1:0"}
`

func betimesArgs(r place) ([]string, error) {
	file := filepath.Join(r.Dir, "betimes.yaml")
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := template.Must(template.New("betimes").Parse(betimesConfig)).Execute(f, r); err != nil {
		return nil, err
	}
	return []string{"stream", file}, nil
}
