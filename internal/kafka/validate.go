package kafka

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"betimes/internal/setting"
)

// Validate lists what is wrong with the section kafka.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	for i, seed := range c.Seeds {
		if _, port, err := net.SplitHostPort(seed); err != nil || port == "" {
			ps.Add(fmt.Sprintf("seeds[%d]", i), "%q is not a broker's address; write HOST:PORT, for example %s:9092", seed, strings.Trim(seed, ":"))
		}
	}
	if c.Embedded != nil {
		if len(c.Seeds) > 0 {
			ps.Add("embedded", "stands beside seeds %s; keep one of them", strings.Join(c.Seeds, ","))
		}
		c.Embedded.validate(&ps)
	}
	c.validateSecurity(&ps)
	c.Topics.validate(&ps)
	return ps
}

// maxEmbedded bounds the brokers of one process: more add sockets, not capacity.
const maxEmbedded = 30

func (e *EmbeddedConfig) validate(ps *setting.Problems) {
	if e.Brokers < 1 || e.Brokers > maxEmbedded {
		ps.Add("embedded.brokers", "%d is not between 1 and %d; 3 is usual", e.Brokers, maxEmbedded)
	}
	ps.Address("embedded.listen", e.Listen)
	_, port, _ := net.SplitHostPort(e.Listen)
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n < 0 || n+e.Brokers-1 > 65535) {
		ps.Add("embedded.listen", "%q leaves no %d ports below 65536; choose a smaller port, or 0 for free ones", e.Listen, e.Brokers)
	}
}

func (c Config) validateSecurity(ps *setting.Problems) {
	if c.Embedded != nil && (c.TLS != nil || c.SASL != nil) {
		ps.Add("embedded", "embedded brokers have neither tls nor sasl; remove tls and sasl, or name seeds")
	}
	if c.TLS != nil && (c.TLS.Cert == "") != (c.TLS.Key == "") {
		ps.Add("tls.cert", "cert and key belong together; set both or neither")
	}
	if c.SASL == nil {
		return
	}
	c.SASL.validate(ps)
	if c.readable() {
		ps.Add("sasl.mechanism", "%s", c.readableText())
	}
}

func allLoopback(seeds []string) bool {
	return !slices.ContainsFunc(seeds, func(seed string) bool {
		host, _, err := net.SplitHostPort(seed)
		return err != nil || !loopback(host)
	})
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (t TopicsConfig) validate(ps *setting.Problems) {
	named := make(map[string]string)
	for _, one := range t.all() {
		path, topic := "topics."+one.key, one.TopicConfig
		validateName(ps, path+".name", topic.Name)
		if other, taken := named[topic.Name]; taken && topic.Name != "" {
			ps.Add(path+".name", "%q is also the name of topics.%s; give each its own", topic.Name, other)
		}
		named[topic.Name] = one.key
		topic.validate(ps, path)
		if topic.Partitions != 0 && topic.Partitions != t.Events.Partitions {
			ps.Add(path+".partitions", "%d differs from the %d of topics.events; every topic has as many, remove it", topic.Partitions, t.Events.Partitions)
		}
		if one.key != "events" && (topic.Value != "" || len(topic.Columns) > 0 || topic.Registry != nil) {
			ps.Add(path+".value", "only topics.events has value, columns and registry; remove it")
		}
	}
	t.Events.validateValue(ps)
}

func (t TopicConfig) validate(ps *setting.Problems, path string) {
	if t.Partitions < 0 || t.Partitions > 10000 {
		ps.Add(path+".partitions", "%d is not between 1 and 10000", t.Partitions)
	}
	if t.ReplicationFactor < 0 || t.ReplicationFactor > 32767 {
		ps.Add(path+".replication_factor", "%d is not a count of copies; 3 is usual", t.ReplicationFactor)
	}
	if t.Retention < 0 {
		ps.Add(path+".retention", "%s is less than 0s; write for example 24h", t.Retention)
	}
}

func (t TopicConfig) validateValue(ps *setting.Problems) {
	if t.Partitions < 1 {
		ps.Add("topics.events.partitions", "%d is less than 1; 12 is usual", t.Partitions)
	}
	ps.OneOf("topics.events.value", t.Value, ValueJSON, ValueCSV, ValueText, ValueBytes, ValueAvro)
	if (t.Value == ValueCSV) != (len(t.Columns) > 0) {
		ps.Add("topics.events.columns", "columns and value: csv belong together; set both or neither")
	}
	if (t.Value == ValueAvro) != (t.Registry != nil) {
		ps.Add("topics.events.registry", "registry and value: avro belong together; set both or neither, for example registry: {url: http://127.0.0.1:8081}")
	}
}

// validateName applies Kafka's own rule.
func validateName(ps *setting.Problems, path, name string) {
	bad := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
	}
	if name == "" || len(name) > 249 || name == "." || name == ".." || strings.ContainsFunc(name, bad) {
		ps.Add(path, "%q is not a topic name; use 1 to 249 letters, digits, '.', '_' and '-'", name)
	}
}

// keyed is a topic with its key in the file.
type keyed struct {
	key string
	TopicConfig
}

func (t TopicsConfig) all() []keyed {
	return []keyed{
		{"events", t.Events}, {"predictions", t.Predictions.TopicConfig}, {"dead-letters", t.DeadLetters},
		{"quarantine", t.Quarantine}, {"shed", t.Shed}, {"parked", t.Parked},
	}
}
