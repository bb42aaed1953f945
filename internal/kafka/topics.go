package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"betimes/internal/setting"
)

// TopicSpec is how a topic should look. Configs are Kafka's own names.
type TopicSpec struct {
	Name                          string
	Partitions, ReplicationFactor int // replication factor 0: the broker's own
	Configs                       map[string]string
}

// Kafka's names of the topic configs that specs use.
const (
	configCleanup      = "cleanup.policy"
	configRetention    = "retention.ms"
	configMaxBytes     = "retention.bytes"
	configSegmentBytes = "segment.bytes"
	configInSync       = "min.insync.replicas"
)

// Embedded topics are bounded unless the file says more.
const (
	embeddedRetention    = 24 * time.Hour
	embeddedMaxBytes     = setting.GiB
	embeddedSegmentBytes = 16 * setting.MiB
	minSegmentBytes      = 64 * setting.KiB
)

// TopicSpecs are the topics of a pipeline, those of pulse and state included.
func TopicSpecs(cfg Config, pipeline string) []TopicSpec {
	var specs []TopicSpec
	for _, one := range cfg.Topics.all() {
		specs = append(specs, cfg.spec(one))
	}
	for _, spec := range []TopicSpec{PulseTopic(pipeline), StateTopic(pipeline)} {
		spec.ReplicationFactor = cfg.replication(TopicConfig{})
		if cfg.Embedded != nil {
			spec.Configs[configSegmentBytes] = number(embeddedSegmentBytes)
		}
		specs = append(specs, spec)
	}
	return specs
}

func (c Config) spec(one keyed) TopicSpec {
	t := one.TopicConfig
	spec := TopicSpec{
		Name: cmp.Or(t.Name, one.key), Partitions: c.Topics.Events.Partitions,
		ReplicationFactor: c.replication(t), Configs: map[string]string{},
	}
	retention, size := t.Retention, t.MaxBytes
	if c.Embedded != nil {
		retention, size = cmp.Or(retention, embeddedRetention), cmp.Or(size, embeddedMaxBytes)
	}
	if retention > 0 {
		spec.Configs[configRetention] = strconv.FormatInt(retention.Milliseconds(), 10)
	}
	perPartition := size / setting.Bytes(max(spec.Partitions, 1)) // Kafka counts per partition, the file per topic
	if size > 0 {
		spec.Configs[configMaxBytes] = number(max(perPartition, 1))
	}
	if c.Embedded != nil {
		spec.Configs[configSegmentBytes] = number(min(embeddedSegmentBytes, max(perPartition, minSegmentBytes)))
	}
	return spec
}

func number(b setting.Bytes) string { return strconv.FormatInt(int64(b), 10) }

// replication is the topic's own factor, else that of events, and never more
// than the embedded brokers there are.
func (c Config) replication(t TopicConfig) int {
	n := cmp.Or(t.ReplicationFactor, c.Topics.Events.ReplicationFactor)
	if c.Embedded != nil {
		n = min(n, c.Embedded.Brokers)
	}
	return n
}

// PulseTopic is where every role says once a second how it is: one partition, kept a day.
func PulseTopic(pipeline string) TopicSpec {
	return TopicSpec{Name: pipeline + "-pulse", Partitions: 1, Configs: map[string]string{
		configCleanup:   "delete",
		configRetention: strconv.FormatInt((24 * time.Hour).Milliseconds(), 10),
	}}
}

// StateTopic holds what roles share, newest value per key: one partition, compacted.
func StateTopic(pipeline string) TopicSpec {
	return TopicSpec{Name: pipeline + "-state", Partitions: 1, Configs: map[string]string{configCleanup: "compact"}}
}

// EnsureTopics creates missing topics, or, without create, returns one error
// that lists them with the command that creates each. The error also lists
// everything that existing topics do not share with the specs. What exists is
// never changed.
func (c *Cluster) EnsureTopics(ctx context.Context, specs []TopicSpec, create bool) error {
	names := make([]string, len(specs))
	for i := range specs {
		names[i] = specs[i].Name
	}
	have, err := c.listTopics(ctx, names)
	if err != nil {
		return err
	}
	var problems, created []string
	missing := false
	var existing []TopicSpec
	for _, spec := range specs {
		detail := have[spec.Name]
		switch {
		case detail.Err == nil && len(detail.Partitions) > 0:
			existing = append(existing, spec)
			problems = append(problems, spec.compareShape(detail)...)
		case detail.Err != nil && !errors.Is(detail.Err, kerr.UnknownTopicOrPartition):
			problems = append(problems, fmt.Sprintf("topic %s: %v", spec.Name, detail.Err))
		case create:
			problems = append(problems, c.create(ctx, spec)...)
			created = append(created, spec.Name)
		default:
			missing = true
			problems = append(problems, fmt.Sprintf("topic %s does not exist; create it: %s", spec.Name, spec.command(c.cfg.Seeds[0])))
		}
	}
	differ, err := c.compareConfigs(ctx, existing)
	if err != nil {
		return err
	}
	if missing {
		differ = append(differ, "or set kafka.create_topics: true, and missing topics are created at the start")
	}
	if err := topicsError(append(problems, differ...)); err != nil {
		return err
	}
	if err := c.awaitTopics(ctx, created); err != nil {
		return err
	}
	c.tellOfOneCopy(ctx, names)
	return nil
}

// tellOfOneCopy warns of topics whose brokers acknowledge what only one of them
// has. Pulses may be lost; embedded brokers have one copy anyway.
func (c *Cluster) tellOfOneCopy(ctx context.Context, names []string) {
	if c.cfg.Embedded != nil {
		return
	}
	described, err := c.admin.DescribeTopicConfigs(ctx, names...)
	if err != nil {
		return // where it may not be asked, that was said
	}
	var alone []string
	for _, rc := range described {
		for _, one := range rc.Configs {
			if one.Key == configInSync && one.MaybeValue() == "1" && rc.Name != PulseTopic(c.deps.Pipeline).Name {
				alone = append(alone, rc.Name)
			}
		}
	}
	if slices.Sort(alone); len(alone) > 0 {
		c.deps.Log.Warn("min.insync.replicas is 1: what is acknowledged may be lost with one broker; set 2 where a topic has 3 copies", "topics", alone)
	}
}

// awaitTopics waits until all topics have leaders: brokers create after they answer.
func (c *Cluster) awaitTopics(ctx context.Context, names []string) error {
	for len(names) > 0 {
		have, err := c.listTopics(ctx, names)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(names, func(name string) bool { return !led(have[name]) })
		if i < 0 {
			return nil
		}
		if !pause(ctx, metadataMinAge/2) {
			return fmt.Errorf("topic %s has no leader for every partition: %w", names[i], ctx.Err())
		}
	}
	return nil
}

func led(d kadm.TopicDetail) bool {
	for _, p := range d.Partitions {
		if p.Err != nil || p.Leader < 0 {
			return false
		}
	}
	return d.Err == nil && len(d.Partitions) > 0
}

func (c *Cluster) listTopics(ctx context.Context, names []string) (kadm.TopicDetails, error) {
	have, err := ask(ctx, func() (kadm.TopicDetails, error) { return c.admin.ListTopics(ctx, names...) })
	var refused *LoginError
	if err = c.explained(err); errors.As(err, &refused) {
		return nil, refused
	}
	if err != nil {
		return nil, fmt.Errorf("kafka %v: list topics: %w", c.cfg.Seeds, err)
	}
	return have, nil
}

// topicsError gives one line per problem: they hold commands to be copied.
func topicsError(problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	return errors.New(strings.Join(problems, "\n"))
}

func (c *Cluster) create(ctx context.Context, spec TopicSpec) []string {
	configs := make(map[string]*string, len(spec.Configs))
	for name, value := range spec.Configs {
		configs[name] = &value
	}
	rf := int16(spec.ReplicationFactor)
	if rf == 0 {
		rf = -1
	}
	_, err := c.admin.CreateTopic(ctx, int32(spec.Partitions), rf, configs, spec.Name)
	if errors.Is(err, kerr.InvalidReplicationFactor) {
		return []string{fmt.Sprintf("topic %s: %d copies do not fit on the brokers there are; set kafka.topics.events.replication_factor, which all topics follow, to at most their number", spec.Name, spec.ReplicationFactor)}
	}
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) { // another role was quicker
		return []string{fmt.Sprintf("topic %s: create: %v", spec.Name, err)}
	}
	c.deps.Log.Info("topic created", "topic", spec.Name, "partitions", spec.Partitions)
	return nil
}

// command is the line that creates the topic with Kafka's own tool.
func (s TopicSpec) command(seed string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "kafka-topics.sh --bootstrap-server %s --create --topic %s --partitions %d", seed, s.Name, s.Partitions)
	if s.ReplicationFactor > 0 {
		fmt.Fprintf(&b, " --replication-factor %d", s.ReplicationFactor)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Configs)) {
		fmt.Fprintf(&b, " --config %s=%s", name, s.Configs[name])
	}
	fmt.Fprintf(&b, " (or: rpk topic create %s -p %d", s.Name, s.Partitions)
	if s.ReplicationFactor > 0 {
		fmt.Fprintf(&b, " -r %d", s.ReplicationFactor)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Configs)) {
		fmt.Fprintf(&b, " -c %s=%s", name, s.Configs[name])
	}
	fmt.Fprintf(&b, " -X brokers=%s)", seed)
	return b.String()
}

func (s TopicSpec) compareShape(d kadm.TopicDetail) []string {
	if n := len(d.Partitions); n != s.Partitions {
		return []string{fmt.Sprintf("topic %s has %d partitions, the file says %d; write partitions: %d, or name another topic", s.Name, n, s.Partitions, n)}
	}
	return nil
}

// compareConfigs reports a cleanup policy that would lose what must be kept.
// Retention and copies are the owner's: a longer one harms nobody.
func (c *Cluster) compareConfigs(ctx context.Context, specs []TopicSpec) ([]string, error) {
	if len(specs) == 0 {
		return nil, nil
	}
	names := make([]string, len(specs))
	for i := range specs {
		names[i] = specs[i].Name
	}
	described, err := c.admin.DescribeTopicConfigs(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("kafka %v: describe topics: %w", c.cfg.Seeds, err)
	}
	var problems []string
	for _, spec := range specs {
		rc, err := described.On(spec.Name, nil)
		if err != nil || rc.Err != nil {
			c.deps.Log.Warn("topic config is hidden", "topic", spec.Name, "error", cmp.Or(err, rc.Err))
			continue
		}
		want := cmp.Or(spec.Configs[configCleanup], "delete")
		for _, one := range rc.Configs {
			if one.Key == configCleanup && one.MaybeValue() != want {
				problems = append(problems, fmt.Sprintf("topic %s has cleanup.policy %s, betimes needs %s; change the topic, or name another", spec.Name, one.MaybeValue(), want))
			}
		}
	}
	return problems, nil
}
