package stream

import (
	"time"

	"betimes/internal/setting"
)

// Config is how events are consumed.
type Config struct {
	Group          string        `yaml:"group" doc:"Consumer group; default: the pipeline's name."`
	Order          string        `yaml:"order" doc:"What is kept in order: key."`
	Concurrency    setting.Auto  `yaml:"concurrency" doc:"Most events in work at once in one worker. More: a slow model is kept busier; fewer: less load on it. auto is 64."`
	Guarantee      string        `yaml:"guarantee" doc:"at_least_once."`
	Attempts       int           `yaml:"attempts" doc:"How often an event is tried before it becomes a dead letter. Failures of the endpoint itself do not count."`
	Backoff        BackoffConfig `yaml:"backoff" doc:"Wait between attempts; doubles from min to max, with jitter."`
	From           string        `yaml:"from" doc:"Where to begin without committed offsets: latest, earliest or an RFC 3339 time. Required with kafka.seeds; embedded brokers default to earliest."`
	SessionTimeout time.Duration `yaml:"session_timeout" doc:"How long the group waits for a silent member before its partitions go to others."`
	Protocol       string        `yaml:"protocol" doc:"Group protocol: auto (KIP-848 where the broker has it), classic or consumer."`
	Membership     string        `yaml:"membership" doc:"auto, static (a stable name: a quick restart keeps its partitions) or dynamic."`
	MaxQueued      int           `yaml:"max_queued" doc:"Most events held by one worker, waiting or in work; fetching pauses above it."`
	MaxQueuedBytes setting.Bytes `yaml:"max_queued_bytes" doc:"Most bytes of events held by one worker; fetching pauses above it."`
	Workers        int           `yaml:"workers" doc:"Workers in this process, each a member of the group."`
}

// BackoffConfig is the wait between two attempts at one event.
type BackoffConfig struct {
	Min time.Duration `yaml:"min" doc:"First wait."`
	Max time.Duration `yaml:"max" doc:"Longest wait."`
}

// DefaultConfig keeps order by key and loses nothing.
func DefaultConfig() Config {
	return Config{
		Order: "key", Guarantee: "at_least_once", Attempts: 5,
		Backoff:        BackoffConfig{Min: 50 * time.Millisecond, Max: 2 * time.Second},
		SessionTimeout: 10 * time.Second, Protocol: "auto", Membership: "auto",
		MaxQueued: 2000, MaxQueuedBytes: 64 * setting.MiB, Workers: 1,
	}
}
