package kafka_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"betimes/internal/kafka"
	"betimes/internal/setting"
)

func TestTopicsAreCreatedCheckedAndNeverChanged(t *testing.T) {
	c := open(t, config(brokers(t, 3)))
	events, state := unused("events"), unused("p-state")
	specs := []kafka.TopicSpec{
		{Name: events, Partitions: 12, ReplicationFactor: 3, Configs: map[string]string{"retention.ms": "3600000"}},
		{Name: state, Partitions: 1, Configs: map[string]string{"cleanup.policy": "compact"}},
	}
	err := c.EnsureTopics(limit(t), specs, false)
	for _, want := range []string{
		"topic " + events + " does not exist; create it: kafka-topics.sh --bootstrap-server 127.0.0.1:",
		" --create --topic " + events + " --partitions 12 --replication-factor 3 --config retention.ms=3600000",
		"rpk topic create " + events + " -p 12 -r 3 -c retention.ms=3600000 -X brokers=127.0.0.1:",
		"--topic " + state + " --partitions 1 --config cleanup.policy=compact",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q in it", err, want)
		}
	}
	for range 2 { // the second finds them
		if err := c.EnsureTopics(limit(t), specs, true); err != nil {
			t.Fatal(err)
		}
	}
	_, end, err := c.Offsets(limit(t), events)
	if err != nil || len(end) != 12 {
		t.Errorf("events has %d partitions, %v; want 12", len(end), err)
	}

	specs[0].Partitions = 6
	specs[1].Configs = nil
	err = c.EnsureTopics(limit(t), specs, true)
	for _, want := range []string{
		"topic " + events + " has 12 partitions, the file says 6",
		"topic " + state + " has cleanup.policy compact, betimes needs delete",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q in it", err, want)
		}
	}
	if _, end, err := c.Offsets(limit(t), events); err != nil || len(end) != 12 {
		t.Errorf("events has %d partitions, %v; a mismatch must change nothing", len(end), err)
	}
}

func TestTopicsThatAreAcknowledgedByOneBrokerAreSaid(t *testing.T) {
	var log bytes.Buffer
	cfg := config(brokers(t, 3))
	safe, alone := unused("safe"), unused("alone")
	specs := []kafka.TopicSpec{
		{Name: safe, Partitions: 1, ReplicationFactor: 3, Configs: map[string]string{"min.insync.replicas": "2"}},
		{Name: alone, Partitions: 1, ReplicationFactor: 3, Configs: map[string]string{"min.insync.replicas": "1"}},
		{Name: kafka.PulseTopic("test").Name, Partitions: 1, ReplicationFactor: 3, Configs: map[string]string{"min.insync.replicas": "1"}},
	}
	ensure := func() string {
		t.Helper()
		log.Reset()
		c, err := kafka.Open(cfg, kafka.Deps{Pipeline: "test", Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.EnsureTopics(limit(t), specs, true); err != nil {
			t.Fatal(err)
		}
		return log.String()
	}
	for range 2 { // created, found
		if said := ensure(); strings.Count(said, "min.insync.replicas is 1") != 1 || !strings.Contains(said, "topics=["+alone+"]") {
			t.Errorf("the log says %s", said)
		}
	}
	cfg.Embedded = &kafka.EmbeddedConfig{Brokers: 3}
	if said := ensure(); said != "" {
		t.Errorf("of embedded brokers the log says %s", said)
	}
}

func TestTopicSpecsFollowTheFile(t *testing.T) {
	const day = "86400000"
	for name, tt := range map[string]struct {
		change func(*kafka.Config)
		topic  string
		want   kafka.TopicSpec
	}{
		"with seeds the brokers decide how long events are kept": {
			func(*kafka.Config) {}, "events",
			kafka.TopicSpec{Partitions: 12, ReplicationFactor: 3},
		},
		"dead letters are kept a week": {
			func(*kafka.Config) {}, "dead-letters",
			kafka.TopicSpec{Partitions: 12, ReplicationFactor: 3, Configs: map[string]string{"retention.ms": "604800000"}},
		},
		"every topic has as many partitions as events": {
			func(c *kafka.Config) { c.Topics.Events.Partitions = 24; c.Topics.Shed.ReplicationFactor = 2 }, "shed",
			kafka.TopicSpec{Partitions: 24, ReplicationFactor: 2, Configs: map[string]string{"retention.ms": "604800000"}},
		},
		"embedded topics are bounded, 1 GiB over all partitions": {
			func(c *kafka.Config) { c.Embedded = &kafka.EmbeddedConfig{Brokers: 2} }, "predictions",
			kafka.TopicSpec{Partitions: 12, ReplicationFactor: 2, Configs: map[string]string{
				"retention.ms": day, "retention.bytes": "89478485", "segment.bytes": "16777216"}},
		},
		"what the file says holds for embedded topics too": {
			func(c *kafka.Config) {
				c.Embedded = &kafka.EmbeddedConfig{Brokers: 3}
				c.Topics.Events.Retention, c.Topics.Events.MaxBytes = time.Hour, 12*setting.MiB
			}, "events",
			kafka.TopicSpec{Partitions: 12, ReplicationFactor: 3, Configs: map[string]string{
				"retention.ms": "3600000", "retention.bytes": "1048576", "segment.bytes": "1048576"}},
		},
		"the pulse is kept a day": {
			func(*kafka.Config) {}, "fraud-pulse",
			kafka.TopicSpec{Partitions: 1, ReplicationFactor: 3, Configs: map[string]string{"retention.ms": day, "cleanup.policy": "delete"}},
		},
		"the state is compacted": {
			func(*kafka.Config) {}, "fraud-state",
			kafka.TopicSpec{Partitions: 1, ReplicationFactor: 3, Configs: map[string]string{"cleanup.policy": "compact"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := kafka.DefaultConfig()
			tt.change(&cfg)
			for _, spec := range kafka.TopicSpecs(cfg, "fraud") {
				if spec.Name != tt.topic {
					continue
				}
				if spec.Partitions != tt.want.Partitions || spec.ReplicationFactor != tt.want.ReplicationFactor || !sameConfigs(spec.Configs, tt.want.Configs) {
					t.Errorf("it is %+v, want %+v", spec, tt.want)
				}
				return
			}
			t.Errorf("there is no topic %s", tt.topic)
		})
	}
}

func sameConfigs(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}

func TestTheConfigSaysWhatIsWrongWithIt(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*kafka.Config)
		want   string // path: part of the text; empty: nothing is wrong
	}{
		"the default":             {func(*kafka.Config) {}, ""},
		"a seed without port":     {func(c *kafka.Config) { c.Seeds = []string{"here"} }, `seeds[0]: "here" is not a broker's address`},
		"embedded beside seeds":   {func(c *kafka.Config) { c.Seeds = []string{"a:1"}; e := kafka.DefaultEmbedded(); c.Embedded = &e }, "embedded: stands beside seeds a:1; keep one"},
		"no embedded broker":      {func(c *kafka.Config) { c.Embedded = &kafka.EmbeddedConfig{Listen: "127.0.0.1:0"} }, "embedded.brokers: 0 is not between 1 and"},
		"ports beyond the last":   {func(c *kafka.Config) { c.Embedded = &kafka.EmbeddedConfig{Brokers: 3, Listen: "127.0.0.1:65534"} }, "embedded.listen: \"127.0.0.1:65534\" leaves no 3 ports"},
		"embedded with tls":       {func(c *kafka.Config) { e := kafka.DefaultEmbedded(); c.Embedded, c.TLS = &e, &kafka.TLSConfig{} }, "embedded: embedded brokers have neither tls nor sasl"},
		"half a certificate":      {func(c *kafka.Config) { c.TLS = &kafka.TLSConfig{Cert: "c"} }, "tls.cert: cert and key belong together"},
		"plain without tls":       {func(c *kafka.Config) { c.Seeds, c.SASL = []string{"far:9092"}, login("plain") }, "sasl.mechanism: plain sends the password readable to far:9092; add kafka.tls: {} or use scram-sha-512"},
		"plain without tls, near": {func(c *kafka.Config) { c.Seeds, c.SASL = []string{"127.0.0.1:9092"}, login("plain") }, ""},
		"plain with tls": {func(c *kafka.Config) {
			c.Seeds, c.SASL, c.TLS = []string{"far:9092"}, login("plain"), &kafka.TLSConfig{}
		}, ""},
		"an unknown mechanism": {func(c *kafka.Config) { c.SASL = login("oauth") }, `sasl.mechanism: "oauth" is not known`},
		"no user": {func(c *kafka.Config) {
			c.SASL = &kafka.SASLConfig{Mechanism: "scram-sha-512", Password: setting.NewSecret("x")}
		}, "sasl.username: is empty"},
		"no password":             {func(c *kafka.Config) { c.SASL = &kafka.SASLConfig{Mechanism: "scram-sha-512", Username: "x"} }, "sasl.password: is empty"},
		"a bad topic name":        {func(c *kafka.Config) { c.Topics.Shed.Name = "a b" }, `topics.shed.name: "a b" is not a topic name`},
		"one name for two topics": {func(c *kafka.Config) { c.Topics.Shed.Name = "events" }, `topics.shed.name: "events" is also the name of topics.events`},
		"no partitions":           {func(c *kafka.Config) { c.Topics.Events.Partitions = 0 }, "topics.events.partitions: 0 is less than 1"},
		"other partitions":        {func(c *kafka.Config) { c.Topics.Shed.Partitions = 3 }, "topics.shed.partitions: 3 differs from the 12 of topics.events"},
		"a negative retention":    {func(c *kafka.Config) { c.Topics.Shed.Retention = -time.Second }, "topics.shed.retention: -1s is less than 0s"},
		"an unknown value":        {func(c *kafka.Config) { c.Topics.Events.Value = "xml" }, `topics.events.value: "xml" is not known`},
		"csv without columns":     {func(c *kafka.Config) { c.Topics.Events.Value = "csv" }, "topics.events.columns: columns and value: csv belong together"},
		"a value elsewhere":       {func(c *kafka.Config) { c.Topics.Predictions.Value = "json" }, "topics.predictions.value: only topics.events has value"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := kafka.DefaultConfig()
			tt.change(&cfg)
			problems := cfg.Validate()
			if tt.want == "" {
				if len(problems) > 0 {
					t.Errorf("%v is wrong with it", problems)
				}
				return
			}
			for _, p := range problems {
				if strings.HasPrefix(p.Error(), tt.want) {
					return
				}
			}
			t.Errorf("the problems are %v, want %q", problems, tt.want)
		})
	}
}

func login(mechanism string) *kafka.SASLConfig {
	return &kafka.SASLConfig{Mechanism: mechanism, Username: "ali", Password: setting.NewSecret("x")}
}
