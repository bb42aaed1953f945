package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"

	"betimes/bench/floor/load"
)

// system is one that takes its turn.
type system struct {
	name     string
	settings string // for the report
	program  string
	asks     bool          // it asks the model
	java     bool          // it runs in a Java machine
	warmUp   time.Duration // before the window; zero: the usual one
	args     func(r place) ([]string, error)
}

// place is where one run of a system happens.
type place struct {
	Dir    string
	Topics load.Topics
	URL    string
	CA     string // file of the stub's authority; empty: plain HTTP
	Group  string

	Workers int // executors of a model that is asked about several records at once; 0: about one
}

// absent is a system that cannot run here, and why.
type absent struct{ name, why string }

// errAbsent says that a system is not on this machine.
var errAbsent = errors.New("not run")

// systems are those that can take turns, in the order of their turns, and those
// that cannot.
func systems(o options, home string) (all []system, missing []absent, err error) {
	floor := floorIn(home)
	all = []system{
		{name: "F0", program: floor, args: floorArgs(copies), settings: "franz-go, consume → produce"},
		{name: "F1", program: floor, asks: true, args: floorArgs(parallel), settings: "franz-go, consume → HTTP → produce, 64 in flight"},
		{name: "blocking", program: floor, asks: true, args: floorArgs(blocking), settings: "franz-go, one call in flight per partition"},
		{name: reference, program: floor, asks: true, args: floorArgs(adaptive), settings: "as F1, but told how many executors the model has: as many workers, each takes what waits, up to 32, the moment it is free"},
	}
	sut := sutIn(home)
	if o.sut != "" {
		if sut, err = filepath.Abs(o.sut); err != nil {
			return nil, nil, err
		}
	}
	if _, err := os.Stat(sut); err != nil {
		return nil, nil, fmt.Errorf("-sut: %w; build it with go build -o betimes ./cmd/betimes", err)
	}
	all = append(all, system{name: "betimes", program: sut, asks: true, args: betimesArgs, settings: "role stream, defaults (at_least_once, order by key, concurrency auto), timeline, metrics and commits on"})
	java, err := javaPeers()
	switch {
	case errors.Is(err, errAbsent):
		missing = append(missing, absent{parallelConsumer, err.Error()}, absent{kafkaStreams, err.Error()})
	case err != nil:
		return nil, nil, err
	}
	given, notGiven := goPeers(o)
	return append(append(all, java...), given...), append(missing, notGiven...), nil
}

// reference is what knows the model and needs to learn nothing.
const reference = "reference"

// way is how the floor asks.
type way int

const (
	copies way = iota
	parallel
	blocking
	adaptive
)

func floorArgs(w way) func(place) ([]string, error) {
	return func(r place) ([]string, error) {
		args := []string{"-seeds", strings.Join(r.Topics.Seeds, ","), "-in", r.Topics.In, "-out", r.Topics.Out, "-group", r.Group}
		if w != copies {
			args = append(args, "-url", r.URL)
		}
		if r.CA != "" {
			args = append(args, "-ca", r.CA)
		}
		switch w {
		case blocking:
			args = append(args, "-blocking")
		case adaptive:
			args = append(args, "-adaptive", strconv.Itoa(r.Workers))
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
    rest: {url: "{{.URL}}"{{if .CA}}, ca: "{{.CA}}"{{end}}}
    content_type: application/json{{if .Workers}}
    batch: instances{{end}}
flow:
  model: stub
  stream: {from: latest}
admin: {listen: "127.0.0.1:0"}
`

func betimesArgs(r place) ([]string, error) {
	file, err := written(r, "betimes.yaml", betimesConfig)
	return []string{"stream", file}, err
}

// written fills a configuration in and writes it beside the run's output.
func written(r place, name, text string) (string, error) {
	file := filepath.Join(r.Dir, name)
	f, err := os.Create(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return file, template.Must(template.New(name).Parse(text)).Execute(f, r)
}
