package stream

import (
	"time"

	"betimes/internal/setting"
)

// Config is how events are consumed.
type Config struct {
	Group          string                 `yaml:"group" doc:"Consumer group; default: the pipeline's name."`
	Order          string                 `yaml:"order" doc:"What is kept in order: key (events of one key), partition (all of one partition: one at a time, as a plain consumer does) or none."`
	Concurrency    setting.Auto           `yaml:"concurrency" doc:"Most events in work at once in one worker. More: a slow model is kept busier; fewer: less load on it. auto begins at 64 and is learned while events wait: up to 1024 (and max_queued) as long as more brings more, down to 4 when it does not; where events share calls of every model it is as many at once, as how many calls there are is learned."`
	Guarantee      string                 `yaml:"guarantee" doc:"at_least_once, or exactly_once: endings and offsets in one transaction; who reads only what is committed sees each event once, up to transaction later. The model may still be asked more than once."`
	Transaction    time.Duration          `yaml:"transaction" doc:"Longest time a transaction of exactly_once stays open. Longer: fewer requests; shorter: predictions are seen sooner."`
	Attempts       int                    `yaml:"attempts" doc:"How often an event is tried before it becomes a dead letter. Failures of the endpoint itself do not count."`
	Backoff        BackoffConfig          `yaml:"backoff" doc:"Wait between attempts; doubles from min to max, with jitter."`
	Poison         string                 `yaml:"poison" doc:"What becomes of an event that cannot be processed: skip (a dead letter, its key goes on) or park (it and all later events of its key wait in the topic parked, in order, until dead-letters replay --topic parked). park needs order: key; before skip takes its place again, replay or drop what waits."`
	ParkMax        int                    `yaml:"park_max" doc:"Most events of one partition that wait in the topic parked; beyond it they become dead letters with the reason park_full. More: 16 bytes each in memory, and a longer start."`
	Errors         map[string]ErrorConfig `yaml:"errors" doc:"What is done about events that fail for one reason, by reason (the header betimes-reason): model_error, bad_model_output, undecodable, feature, model_input, too_large, no_route or internal."`
	From           string                 `yaml:"from" doc:"Where to begin without committed offsets: latest, earliest or an RFC 3339 time. Required with kafka.seeds; embedded brokers default to earliest. With protocol: share, latest is the end of each partition when it is first fetched, a moment after the first worker is ready."`
	SessionTimeout time.Duration          `yaml:"session_timeout" doc:"How long the group waits for a silent member before its partitions go to others."`
	Protocol       string                 `yaml:"protocol" doc:"Group protocol: auto (KIP-848 where the broker has it), classic (cooperative-sticky), eager: classic with range and roundrobin, to join a group beside consumers that have only those, as kafka-python and librdkafka by default; all its members stop at each rebalance; consumer, or share: a share group (KIP-932, Kafka 4.2), with order: none: more workers than partitions, and no event waits behind another. An event is locked for its worker (30s, the group's share.record.lock.duration.ms) and renewed while it is in work; one delivered for the ninth time of ten becomes a dead letter."`
	Membership     string                 `yaml:"membership" doc:"static (a quick restart keeps its partitions), dynamic, or auto: static where the name of the process comes back (BETIMES_INSTANCE, a StatefulSet's pod, else host and data_dir), dynamic in other pods, in containers with a random host name, and with a temporary data_dir."`
	MaxQueued      int                    `yaml:"max_queued" doc:"Most events held by one worker, waiting or in work; fetching pauses above it."`
	MaxQueuedBytes setting.Bytes          `yaml:"max_queued_bytes" doc:"Most bytes of events held by one worker; fetching pauses above it."`
	Workers        int                    `yaml:"workers" doc:"Workers in this process, each a member of the group."`
}

// BackoffConfig is the wait between two attempts at one event.
type BackoffConfig struct {
	Min time.Duration `yaml:"min" doc:"First wait."`
	Max time.Duration `yaml:"max" doc:"Longest wait."`
}

// The values of guarantee.
const (
	atLeastOnce = "at_least_once"
	exactlyOnce = "exactly_once"
)

// Exactly says whether endings and offsets are written in transactions.
func (c Config) Exactly() bool { return c.Guarantee == exactlyOnce }

// The values of poison.
const (
	poisonSkip = "skip"
	poisonPark = "park"
)

// DefaultConfig keeps order by key and loses nothing.
func DefaultConfig() Config {
	return Config{
		Order: orderKey, Guarantee: atLeastOnce, Transaction: 50 * time.Millisecond, Attempts: 5, Poison: poisonSkip, ParkMax: 10_000,
		Backoff:        BackoffConfig{Min: 50 * time.Millisecond, Max: 2 * time.Second},
		SessionTimeout: 10 * time.Second, Protocol: "auto", Membership: "auto",
		MaxQueued: 2000, MaxQueuedBytes: 64 * setting.MiB, Workers: 1,
	}
}

// Validate tells what is wrong.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	ps.OneOf("order", c.Order, orderKey, orderPartition, orderNone)
	ps.OneOf("guarantee", c.Guarantee, atLeastOnce, exactlyOnce)
	ps.Positive("transaction", c.Transaction)
	if c.Guarantee == exactlyOnce && c.Transaction > c.SessionTimeout/2 {
		ps.Add("transaction", "%s is more than half of the session_timeout of %s; lower it, else a hand-over cuts transactions off", c.Transaction, c.SessionTimeout)
	}
	ps.OneOf("poison", c.Poison, poisonSkip, poisonPark)
	if c.Poison == poisonPark && c.Order != orderKey {
		ps.Add("poison", "park keeps the order of keys, which order: %s does not; set order: key, or poison: skip", c.Order)
	}
	if c.ParkMax < 1 {
		ps.Add("park_max", "%d is less than 1", c.ParkMax)
	}
	ps.OneOf("protocol", c.Protocol, "auto", "classic", protocolEager, "consumer", protocolShare)
	c.share(&ps)
	ps.OneOf("membership", c.Membership, "auto", "static", "dynamic")
	if c.Attempts < 1 {
		ps.Add("attempts", "%d is less than 1; an event is tried at least once", c.Attempts)
	}
	c.Backoff.validate(&ps)
	c.validateErrors(&ps)
	if c.SessionTimeout < time.Second {
		ps.Add("session_timeout", "%s is less than 1s; brokers refuse so short a time", c.SessionTimeout)
	}
	if c.MaxQueued < 1 {
		ps.Add("max_queued", "%d is less than 1", c.MaxQueued)
	}
	if c.MaxQueuedBytes < setting.MiB {
		ps.Add("max_queued_bytes", "%s is less than 1MiB, the size of one large event", c.MaxQueuedBytes)
	}
	if c.Workers < 1 {
		ps.Add("workers", "%d is less than 1", c.Workers)
	}
	if _, err := time.Parse(time.RFC3339, c.From); err != nil && c.From != "" && c.From != "latest" && c.From != "earliest" {
		ps.Add("from", "%q is neither latest nor earliest nor an RFC 3339 time such as 2026-01-31T12:00:00Z", c.From)
	}
	return ps
}

// The values of protocol that this package asks about.
const (
	protocolEager = "eager" // all partitions are given up at each rebalance
	protocolShare = "share" // a share group
)

// share tells what a share group cannot do.
func (c Config) share(ps *setting.Problems) {
	if c.Protocol != protocolShare {
		return
	}
	if c.Order != orderNone {
		ps.Add("order", "%s is not kept by protocol: share; write order: none, or another protocol", c.Order)
	}
	if c.Guarantee != atLeastOnce {
		ps.Add("guarantee", "%s does not go with protocol: share, whose acknowledgements brokers take into no transaction; write at_least_once, or another protocol", c.Guarantee)
	}
	if c.Membership == "static" {
		ps.Add("membership", "static is not there with protocol: share; write membership: auto")
	}
	if _, err := time.Parse(time.RFC3339, c.From); err == nil {
		ps.Add("from", "%s: protocol: share begins at earliest or latest only", c.From)
	}
}
