package config

import (
	"path/filepath"
	"regexp"
	"strings"

	"betimes/internal/kafka"
	"betimes/internal/setting"
)

// settler fills in the defaults that follow from other values. It never
// touches a value that was set.
type settler struct {
	*Config
	file    string
	origins origins
}

// settle makes every default definite, in an order in which each rests on settled ones.
func settle(cfg *Config, file string, from origins) {
	s := settler{cfg, file, from}
	s.names()
	s.cluster()
	s.topics()
	s.example()
	s.models()
	s.hosts()
	s.beyondLoopback()
}

func (s settler) set(path string) bool { _, ok := s.origins[path]; return ok }

// because notes why a default is what it is.
func (s settler) because(path, why string) {
	if !s.set(path) {
		s.origins[path] = Origin{By: "default, " + why}
	}
}

var notInName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// names come from the file's name, or its folder's when the file has the usual one.
func (s settler) names() {
	if !s.set("name") {
		s.Name = nameOf(s.file)
		s.because("name", "from the file's name")
	}
	if !s.set("data_dir") {
		s.DataDir = filepath.Join(filepath.Dir(s.file), ".betimes", s.Name)
		s.because("data_dir", "from name")
	}
	if s.Kafka.ClientID == "" {
		s.Kafka.ClientID = s.Name
		s.because("kafka.client_id", "from name")
	}
	if s.Flow.Stream.Group == "" {
		s.Flow.Stream.Group = s.Name
		s.because("flow.stream.group", "from name")
	}
}

func nameOf(file string) string {
	base := filepath.Base(file)
	name := strings.TrimSuffix(strings.TrimSuffix(base, ".yaml"), ".yml")
	if base == DefaultFile {
		name = ""
		if whole, err := filepath.Abs(file); err == nil {
			name = filepath.Base(filepath.Dir(whole))
		}
	}
	name = strings.Trim(notInName.ReplaceAllString(name, "-"), ".-_")
	if name == "" || len(name) > maxName {
		return "betimes"
	}
	return name
}

// cluster takes embedded brokers when no others are named.
func (s settler) cluster() {
	k := &s.Kafka
	k.Seeds = splitSeeds(k.Seeds)
	if k.Embedded == nil && !s.set("kafka.seeds") {
		embedded := kafka.DefaultEmbedded()
		k.Embedded = &embedded
	}
	embedded := k.Embedded != nil
	if k.CreateTopics == nil {
		k.CreateTopics = &embedded
	}
	if embedded && s.Flow.Stream.From == "" {
		s.Flow.Stream.From = "earliest"
		s.because("flow.stream.from", "embedded brokers")
	}
}

// splitSeeds lets one variable name several brokers: "${KAFKA}" of a:9092,b:9092.
func splitSeeds(seeds []string) []string {
	var all []string
	for _, s := range seeds {
		for one := range strings.SplitSeq(s, ",") {
			all = append(all, strings.TrimSpace(one))
		}
	}
	return all
}

func (s settler) topics() {
	t := &s.Kafka.Topics
	if e := s.Kafka.Embedded; e != nil && !s.set("kafka.topics.events.replication_factor") {
		t.Events.ReplicationFactor = max(min(t.Events.ReplicationFactor, e.Brokers), 1)
	}
	for key, topic := range topicsByKey(t) {
		path, why := "kafka.topics."+key, "as events"
		if topic.Name == "" {
			topic.Name = key
		}
		if !s.set(path + ".partitions") {
			topic.Partitions = t.Events.Partitions
			s.because(path+".partitions", why)
		}
		if !s.set(path + ".replication_factor") {
			topic.ReplicationFactor = t.Events.ReplicationFactor
			s.because(path+".replication_factor", why)
		}
		if s.Kafka.Embedded != nil {
			s.kept(path, topic)
		}
	}
}

// kept bounds what embedded brokers keep: they share one machine's disk.
func (s settler) kept(path string, topic *kafka.TopicConfig) {
	if topic.Retention == 0 && !s.set(path+".retention") {
		topic.Retention = day
		s.because(path+".retention", "embedded brokers")
	}
	if topic.MaxBytes == 0 && !s.set(path+".max_bytes") {
		topic.MaxBytes = setting.GiB
		s.because(path+".max_bytes", "embedded brokers")
	}
}
