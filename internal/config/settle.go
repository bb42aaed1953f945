package config

import (
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"betimes/internal/kafka"
	"betimes/internal/lab/emulator"
	"betimes/internal/privacy"
	"betimes/internal/sagemaker"
	"betimes/internal/setting"
	"betimes/internal/steer/rollout"
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

// example is the problem of a file without models: card payments, on embedded brokers only.
func (s settler) example() {
	if s.set("models") || s.Kafka.Embedded == nil {
		return
	}
	const why = "the example problem"
	fraud := defaultModel()
	endpoint := sagemaker.DefaultConfig()
	fraud.SageMaker, fraud.Pure = &endpoint, true
	fraud.Train = &rollout.TrainConfig{Algorithm: "xgboost", Data: "builtin:payments", Label: "fraud"}
	s.Models = map[string]ModelConfig{"fraud": fraud}
	s.because("models", why)
	if f := &s.Flow.Feature; f.Request == "" && !s.set("flow.feature.fields") {
		f.Fields = []string{"amount", "hour", "country_risk", "merchant_risk"}
		s.because("flow.feature.fields", why)
	}
	g := &s.Flow.Gateway
	for _, p := range []struct {
		key     string
		pointer *string
		value   string
	}{{"key", &g.Key, "/card_token"}, {"id", &g.ID, "/id"}, {"event_time", &g.EventTime, "/event_time"}} {
		if path := "flow.gateway." + p.key; !s.set(path) {
			*p.pointer = p.value
			s.because(path, why)
		}
	}
}

func (s settler) models() {
	for name, m := range s.Models {
		if m.SageMaker != nil {
			s.endpoint(name, m.SageMaker)
		}
		if m.Embedded() && s.Lab.Emulator == nil {
			e := emulator.DefaultConfig()
			s.Lab.Emulator = &e
		}
	}
	if s.Flow.Model == "" && len(s.Flow.Route) == 0 && len(s.Models) == 1 {
		for name := range s.Models {
			s.Flow.Model = name
		}
		s.because("flow.model", "the only one")
	}
}

func (s settler) endpoint(name string, e *sagemaker.Config) {
	path := "models." + name + ".sagemaker."
	if e.Endpoint == "" {
		e.Endpoint = name
		s.because(path+"endpoint", "the model's name")
	}
	if e.Embedded == nil {
		embedded := s.Kafka.Embedded != nil && e.URL == ""
		e.Embedded = &embedded
		s.because(path+"embedded", "as kafka")
	}
	if e.Region == "" {
		e.Region = s.region(*e.Embedded)
		s.because(path+"region", "from aws.region")
	}
	if e.Probe == 0 {
		e.Probe = 10 * time.Second
		if *e.Embedded {
			e.Probe = 500 * time.Millisecond
		}
	}
}

func (s settler) region(embedded bool) string {
	if embedded || s.AWS.Region == "" {
		return "us-east-1"
	}
	return s.AWS.Region
}

// hosts puts listen_host in the place of 127.0.0.1.
func (s settler) hosts() {
	if s.ListenHost == "" {
		return
	}
	for _, l := range s.listens() {
		host, port, err := net.SplitHostPort(*l.address)
		if err != nil || host != "127.0.0.1" {
			continue
		}
		*l.address = net.JoinHostPort(s.ListenHost, port)
		from := s.origins[l.path]
		if from.By = "by listen_host"; from.File == "" {
			from.By = "default, by listen_host"
		}
		s.origins[l.path] = from
	}
}

func (s settler) beyondLoopback() {
	loopback := s.Loopback()
	if !s.set("privacy.show") {
		s.Privacy.Show = privacy.None
		if loopback {
			s.Privacy.Show = privacy.Keys
		}
		s.because("privacy.show", where(loopback))
	}
	if s.DrainDelay == AutoDelay {
		s.DrainDelay = Delay(5 * time.Second)
		if loopback {
			s.DrainDelay = 0
		}
		s.because("drain_delay", where(loopback))
	}
}

func where(loopback bool) string {
	if loopback {
		return "on loopback"
	}
	return "beyond loopback"
}
