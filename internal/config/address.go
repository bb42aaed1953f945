package config

import (
	"iter"
	"net"
	"strconv"

	"betimes/internal/kafka"
)

// listening is one address of the file that something listens on.
type listening struct {
	path    string
	address *string
	ports   int // how many in a row
}

// listens lists every listen address; the pointers are into the Config.
func (c *Config) listens() []listening {
	all := []listening{
		{"flow.gateway.listen", &c.Flow.Gateway.Listen, 1},
		{"admin.listen", &c.Admin.Listen, 1},
	}
	if c.Lab.Emulator != nil {
		all = append(all, listening{"lab.emulator.listen", &c.Lab.Emulator.Listen, 1})
	}
	if e := c.Kafka.Embedded; e != nil {
		all = append(all, listening{"kafka.embedded.listen", &e.Listen, max(e.Brokers, 1)})
	}
	return all
}

// Loopback says whether every address is reachable from this machine only.
func (c *Config) Loopback() bool {
	for _, l := range c.listens() {
		if !loopback(*l.address) {
			return false
		}
	}
	return true
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// hostPort splits an address; port 0 is a free one.
func hostPort(address string) (string, int, bool) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, false
	}
	n, err := strconv.Atoi(port)
	return host, n, err == nil && n >= 0 && n < 1<<16
}

// topicsByKey goes through the topics; the pointers are into t.
func topicsByKey(t *kafka.TopicsConfig) iter.Seq2[string, *kafka.TopicConfig] {
	return func(yield func(string, *kafka.TopicConfig) bool) {
		_ = yield("events", &t.Events) && yield("predictions", &t.Predictions.TopicConfig) &&
			yield("dead-letters", &t.DeadLetters) && yield("quarantine", &t.Quarantine) && yield("shed", &t.Shed) && yield("parked", &t.Parked)
	}
}
