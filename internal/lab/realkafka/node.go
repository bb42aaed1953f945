//go:build interop

package realkafka

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"betimes/internal/kafka"
)

// controllers is how many brokers of a cluster are controllers too, at most.
const controllers = 3

// node is one broker; the first ones are controllers too.
type node struct {
	id      int
	dir     string
	ports   []int // of the brokers among themselves, of controllers, of clients where they must log in
	peers   []*node
	cache   cache
	machine *machine
}

// portsOfNode is how many ports a node has.
const portsOfNode = 3

func (n *node) inner() string { return fmt.Sprintf("127.0.0.1:%d", n.ports[0]) }
func (n *node) outer() string { return fmt.Sprintf("127.0.0.1:%d", n.ports[2]) }
func (n *node) data() string  { return filepath.Join(n.dir, "data") }
func (n *node) file() string  { return filepath.Join(n.dir, "server.properties") }

// newID is a random id as Kafka writes them: 16 bytes, never with a leading '-'.
func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	id[0] &= 0x7f
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// properties is the broker's file, a line for each of more, of which the later
// wins. What brokers keep for themselves shall be small.
func (n *node) properties(more ...map[string]string) []byte {
	copies, least := fmt.Sprint(min(3, len(n.peers))), fmt.Sprint(min(2, len(n.peers)))
	all := map[string]string{
		"node.id": fmt.Sprint(n.id), "process.roles": "broker", "broker.rack": fmt.Sprintf("r%d", n.id),
		"listeners":                                        "PLAINTEXT://" + n.inner(),
		"advertised.listeners":                             "PLAINTEXT://" + n.inner(),
		"controller.quorum.voters":                         n.voters(),
		"controller.listener.names":                        "CONTROLLER",
		"inter.broker.listener.name":                       "PLAINTEXT",
		"listener.security.protocol.map":                   "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs":                                         n.data(),
		"offsets.topic.replication.factor":                 copies,
		"transaction.state.log.replication.factor":         copies,
		"share.coordinator.state.topic.replication.factor": copies,
		"default.replication.factor":                       copies,
		"transaction.state.log.min.isr":                    least,
		"share.coordinator.state.topic.min.isr":            least,
		"min.insync.replicas":                              least,
		"offsets.topic.num.partitions":                     "4",
		"transaction.state.log.num.partitions":             "4",
		"share.coordinator.state.topic.num.partitions":     "4",
		"group.initial.rebalance.delay.ms":                 "0",
		"initial.broker.registration.timeout.ms":           fmt.Sprint(patience.Milliseconds()), // a minute by default
		"num.network.threads":                              "2",
		"num.io.threads":                                   "2",
		"log.cleaner.dedupe.buffer.size":                   "2097152",
	}
	if n.id <= controllers {
		all["process.roles"] = "broker,controller"
		all["listeners"] += fmt.Sprintf(",CONTROLLER://127.0.0.1:%d", n.ports[1])
	}
	for _, lines := range more {
		maps.Copy(all, lines)
	}
	var b bytes.Buffer
	for _, key := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%s=%s\n", key, all[key])
	}
	return b.Bytes()
}

func (n *node) voters() string {
	var voters []string
	for _, p := range n.peers[:min(controllers, len(n.peers))] {
		voters = append(voters, fmt.Sprintf("%d@127.0.0.1:%d", p.id, p.ports[1]))
	}
	return strings.Join(voters, ",")
}

// prepare writes what a new broker finds in its folder; Kafka's own tool would
// start a Java machine for it.
func (n *node) prepare(t testing.TB, cluster string, properties []byte) {
	t.Helper()
	check(t, os.MkdirAll(n.data(), 0o755))
	check(t, os.WriteFile(n.file(), properties, 0o644))
	checkpoint, err := os.ReadFile(n.cache.checkpoint())
	check(t, err)
	check(t, os.WriteFile(filepath.Join(n.data(), "bootstrap.checkpoint"), checkpoint, 0o644))
	meta := fmt.Sprintf("version=1\nnode.id=%d\ncluster.id=%s\ndirectory.id=%s\n", n.id, cluster, newID())
	check(t, os.WriteFile(filepath.Join(n.data(), "meta.properties"), []byte(meta), 0o644))
}

// patience is more than brokers take to start on a machine that hardly lets them.
const patience = 3 * time.Minute

// await waits until the broker itself knows all brokers and a controller. Each
// question waits longer for its answer than one in vain before it.
func (n *node) await(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for wait := time.Second; !n.knowsAll(ctx, wait); wait = min(2*wait, 20*time.Second) {
		select {
		case <-tick.C:
		case <-n.machine.exited:
			t.Fatalf("broker %d has ended\n%s", n.id, n.machine.tail())
		case <-ctx.Done():
			t.Fatalf("broker %d is not ready after %s\n%s", n.id, patience, n.machine.tail())
		}
	}
}

func (n *node) knowsAll(ctx context.Context, wait time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	cfg := kafka.DefaultConfig()
	cfg.Seeds = []string{n.inner()}
	c, err := kafka.Open(cfg, kafka.Deps{Pipeline: "ready"})
	if err != nil {
		return false
	}
	defer c.Close()
	list, err := c.Brokers(ctx)
	return err == nil && len(list) == len(n.peers) && c.Ping(ctx) == nil
}
