package main

import (
	"fmt"
	"os"
	"slices"
)

// peerConfig is a peer that is a binary given by path: its expert settings.
type peerConfig struct {
	settings string
	command  []string // before the configuration's path
	text     string
	batched  string // for a model that may be asked about several records at once; empty: text
}

// pipeline is the part that Bento and Connect share: 64 at once, one record per call.
const pipeline = `http: {enabled: false}
logger: {level: WARN}
pipeline:
  threads: 64
  processors:
    - http:
        url: "{{.URL}}"
        verb: POST
        headers: {Content-Type: application/json}
        timeout: 5s
{{- if .CA}}
        tls: {enabled: true, root_cas_file: "{{.CA}}"}
{{- end}}
`

const seedsOf = `[{{range $i, $s := .Topics.Seeds}}{{if $i}}, {{end}}"{{$s}}"{{end}}]`

const bentoConfig = pipeline + `input:
  kafka_franz:
    seed_brokers: ` + seedsOf + `
    topics: ["{{.Topics.In}}"]
    consumer_group: {{.Group}}
    start_from_oldest: false
    checkpoint_limit: 1024
output:
  kafka_franz:
    seed_brokers: ` + seedsOf + `
    topic: "{{.Topics.Out}}"
    key: ${! @kafka_key }
    partitioner: manual
    partition: ${! @kafka_partition }
    max_in_flight: 256
`

// bentoBatched is for a model that may be asked about several records at once: all
// partitions share batches of 32 or 4 ms, and there are as many threads as the model
// has executors. Each record keeps its key and partition through the branch.
const bentoBatched = `http: {enabled: false}
logger: {level: WARN}
input:
  broker:
    inputs:
      - kafka_franz:
          seed_brokers: ` + seedsOf + `
          topics: ["{{.Topics.In}}"]
          consumer_group: {{.Group}}
          start_from_oldest: false
          checkpoint_limit: 1024
    batching: {count: 32, period: 4ms}
pipeline:
  threads: {{.Workers}}
  processors:
    - branch:
        processors:
          - archive: {format: json_array}
          - http:
              url: "{{.URL}}"
              verb: POST
              headers: {Content-Type: application/json}
              timeout: 5s
          - unarchive: {format: json_array}
        result_map: root = this
output:
  kafka_franz:
    seed_brokers: ` + seedsOf + `
    topic: "{{.Topics.Out}}"
    key: ${! @kafka_key }
    partitioner: manual
    partition: ${! @kafka_partition }
    max_in_flight: 256
`

const connectConfig = pipeline + `input:
  kafka:
    addresses: ` + seedsOf + `
    topics: ["{{.Topics.In}}"]
    consumer_group: {{.Group}}
    start_from_oldest: false
    checkpoint_limit: 1024
    max_processing_period: 100ms
output:
  kafka:
    addresses: ` + seedsOf + `
    topic: "{{.Topics.Out}}"
    key: ${! @kafka_key }
    partitioner: manual
    partition: ${! @kafka_partition }
    max_in_flight: 256
    ack_replicas: true
`

// peerConfigs are the peers that may be given, by name.
func peerConfigs() map[string]peerConfig {
	return map[string]peerConfig{
		"bento":   {"kafka_franz → kafka_franz (linger 0), 64 threads, checkpoint_limit 1024, max_in_flight 256; batched: by the input, 32 or 4 ms, a thread for each executor", nil, bentoConfig, bentoBatched},
		"connect": {"kafka → kafka (sarama, no linger), 64 threads, checkpoint_limit 1024, max_processing_period 100ms, max_in_flight 256", []string{"run"}, connectConfig, ""},
	}
}

// goPeers are the peers that were given, and those that were not.
func goPeers(o options) (given []system, missing []absent) {
	configs := peerConfigs()
	names := []string{"bento", "connect"}
	for _, name := range names {
		c, path := configs[name], o.peers[name]
		if path == "" {
			missing = append(missing, absent{name, "not given; -peer " + name + "=PATH"})
			continue
		}
		if _, err := os.Stat(path); err != nil {
			missing = append(missing, absent{name, err.Error()})
			continue
		}
		given = append(given, system{name: name, program: path, asks: true, settings: c.settings, args: c.args(name)})
	}
	return given, missing
}

func (c peerConfig) args(name string) func(place) ([]string, error) {
	return func(r place) ([]string, error) {
		text := c.text
		if r.Workers > 0 && c.batched != "" {
			text = c.batched
		}
		file, err := written(r, fmt.Sprintf("%s.yaml", name), text)
		if len(c.command) == 0 {
			return []string{"-c", file}, err
		}
		return append(slices.Clone(c.command), file), err
	}
}
