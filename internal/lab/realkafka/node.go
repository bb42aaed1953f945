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
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"betimes/internal/kafka"
)

// node is one broker, which is a controller too.
type node struct {
	id      int
	dir     string
	ports   []int // of clients, of controllers
	peers   []*node
	cache   cache
	more    []string // more flags of the Java machine
	process *os.Process
	exited  chan struct{} // closed when process has ended
}

func (n *node) addr() string { return fmt.Sprintf("127.0.0.1:%d", n.ports[0]) }
func (n *node) data() string { return filepath.Join(n.dir, "data") }
func (n *node) file() string { return filepath.Join(n.dir, "server.properties") }
func (n *node) log() string  { return filepath.Join(n.dir, "server.log") }

// newID is a random id as Kafka writes them: 16 bytes, never with a leading '-'.
func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	id[0] &= 0x7f
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// properties is the broker's file. A fault shall be noticed in seconds, and
// what brokers keep for themselves be small.
func (n *node) properties(more map[string]string) []byte {
	var voters []string
	for _, p := range n.peers {
		voters = append(voters, fmt.Sprintf("%d@127.0.0.1:%d", p.id, p.ports[1]))
	}
	copies, least := fmt.Sprint(min(3, len(n.peers))), fmt.Sprint(min(2, len(n.peers)))
	all := map[string]string{
		"node.id": fmt.Sprint(n.id), "process.roles": "broker,controller", "broker.rack": fmt.Sprintf("r%d", n.id),
		"listeners":                                        fmt.Sprintf("PLAINTEXT://%s,CONTROLLER://127.0.0.1:%d", n.addr(), n.ports[1]),
		"advertised.listeners":                             "PLAINTEXT://" + n.addr(),
		"controller.quorum.voters":                         strings.Join(voters, ","),
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
		"num.network.threads":                              "2",
		"num.io.threads":                                   "2",
		"log.cleaner.dedupe.buffer.size":                   "2097152",
		"broker.session.timeout.ms":                        "2000",
		"broker.heartbeat.interval.ms":                     "250",
	}
	maps.Copy(all, more)
	var b bytes.Buffer
	for _, key := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%s=%s\n", key, all[key])
	}
	return b.Bytes()
}

// prepare writes what a new broker finds in its folder; Kafka's own tool would
// start a Java machine for it.
func (n *node) prepare(t testing.TB, cluster string, more map[string]string) {
	t.Helper()
	check(t, os.MkdirAll(n.data(), 0o755))
	check(t, os.WriteFile(n.file(), n.properties(more), 0o644))
	checkpoint, err := os.ReadFile(n.cache.checkpoint())
	check(t, err)
	check(t, os.WriteFile(filepath.Join(n.data(), "bootstrap.checkpoint"), checkpoint, 0o644))
	meta := fmt.Sprintf("version=1\nnode.id=%d\ncluster.id=%s\ndirectory.id=%s\n", n.id, cluster, newID())
	check(t, os.WriteFile(filepath.Join(n.data(), "meta.properties"), []byte(meta), 0o644))
}

func (n *node) flags() []string {
	return append([]string{
		"-Xms64m", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true",
		"-Dkafka.logs.dir=" + n.dir, "-Dlog4j2.configurationFile=" + n.cache.logging(), "-cp", n.cache.classpath,
	}, n.more...)
}

// start starts the process; it dies with this one.
func (n *node) start(t testing.TB) {
	t.Helper()
	out, err := os.OpenFile(n.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	check(t, err)
	defer out.Close()
	cmd := exec.Command("java", append(n.flags(), "kafka.Kafka", n.file())...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = n.dir, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	check(t, cmd.Start())
	exited := make(chan struct{})
	n.process, n.exited = cmd.Process, exited
	go func() {
		defer close(exited)
		_ = cmd.Wait() // how it ended is in its log
	}()
}

// kill kills the process, kill -9, and waits for its end.
func (n *node) kill() {
	_ = n.process.Kill() // it may have ended
	<-n.exited
}

// await waits until the broker itself knows all brokers and a controller.
func (n *node) await(t testing.TB, brokers int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for !n.knows(ctx, brokers) {
		select {
		case <-tick.C:
		case <-n.exited:
			t.Fatalf("broker %d has ended\n%s", n.id, n.tail())
		case <-ctx.Done():
			t.Fatalf("broker %d is not ready after a minute\n%s", n.id, n.tail())
		}
	}
}

func (n *node) knows(ctx context.Context, brokers int) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	cfg := kafka.DefaultConfig()
	cfg.Seeds = []string{n.addr()}
	c, err := kafka.Open(cfg, kafka.Deps{Pipeline: "ready"})
	if err != nil {
		return false
	}
	defer c.Close()
	list, err := c.Brokers(ctx)
	return err == nil && len(list) == brokers && c.Ping(ctx) == nil
}

// tail is the end of what the broker said.
func (n *node) tail() string {
	const most = 4096
	text, err := os.ReadFile(n.log())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}
