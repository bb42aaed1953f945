//go:build interop

package realkafka

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Config shapes a cluster.
type Config struct {
	Brokers int // 1, 3 or 6; the first three are controllers too
	// Together is how many brokers, the last ones, share one Java machine: less
	// memory, a quicker start, and they are killed and stopped only together.
	Together int
	// KafkaTimes leaves the brokers Kafka's own session timeout and heartbeat,
	// 9 s and 2 s, in place of 2 s and 250 ms.
	KafkaTimes bool
	Security   Security
	Properties map[string]string // more lines of every broker's file, or others
}

// Cluster is brokers that run. One goroutine kills and starts.
type Cluster struct {
	nodes     []*node
	machines  []*machine
	security  Security
	authority *authority // nil: no encryption
}

// Start starts brokers and returns when each of them knows all others. They
// end with the test.
func Start(t testing.TB, cfg Config) *Cluster {
	t.Helper()
	if cfg.Brokers < 1 || cfg.Together > cfg.Brokers {
		t.Fatalf("%d brokers, %d of them together: there must be one, and no more together than there are", cfg.Brokers, cfg.Together)
	}
	c := newCluster(t, openCache(t), cfg)
	c.prepare(t, cfg)
	t.Cleanup(func() { c.end(t) })
	for _, m := range c.machines {
		m.start(t)
	}
	for _, m := range c.machines {
		m.await(t)
	}
	return c
}

// newCluster places the brokers on machines.
func newCluster(t testing.TB, shared cache, cfg Config) *Cluster {
	t.Helper()
	dir, ports := folder(t), Ports(t, portsOfNode*cfg.Brokers)
	c := &Cluster{security: cfg.Security}
	for i := range cfg.Brokers {
		n := &node{
			id: i + 1, dir: filepath.Join(dir, fmt.Sprint(i+1)), ports: ports[portsOfNode*i : portsOfNode*(i+1)], cache: shared,
		}
		if alone := i <= cfg.Brokers-cfg.Together; alone {
			c.machines = append(c.machines, &machine{dir: n.dir, cache: shared, flags: shared.quick()})
		}
		n.machine = c.machines[len(c.machines)-1]
		n.machine.nodes = append(n.machine.nodes, n)
		c.nodes = append(c.nodes, n)
	}
	if cfg.Security.TLS {
		c.authority = newAuthority(t, filepath.Join(dir, "certificates"))
	}
	return c
}

// prepare writes what the brokers find at their first start.
func (c *Cluster) prepare(t testing.TB, cfg Config) {
	t.Helper()
	times := map[string]string{}
	if !cfg.KafkaTimes { // a fault shall be noticed in seconds
		times = map[string]string{"broker.session.timeout.ms": "2000", "broker.heartbeat.interval.ms": "250"}
	}
	maps.Copy(times, cfg.Properties)
	id := newID()
	for _, n := range c.nodes {
		n.peers = c.nodes
	}
	for _, n := range c.nodes {
		n.prepare(t, id, n.properties(c.security.properties(n, c.authority), times))
	}
}

// Addrs are where clients find the brokers, HOST:PORT, by id.
func (c *Cluster) Addrs() []string {
	var addrs []string
	for _, n := range c.nodes {
		if c.security.asks() {
			addrs = append(addrs, n.outer())
			continue
		}
		addrs = append(addrs, n.inner())
	}
	return addrs
}

// Kill kills the Java machine of broker id, from 1, with kill -9.
func (c *Cluster) Kill(id int) { c.nodes[id-1].machine.kill() }

// Stop stops the Java machine of broker id as kill -STOP does: it holds its
// connections and says nothing.
func (c *Cluster) Stop(id int) { c.nodes[id-1].machine.halt() }

// Continue lets a machine that was stopped go on.
func (c *Cluster) Continue(id int) { c.nodes[id-1].machine.signal(syscall.SIGCONT) }

// Process is that of broker id, for faults that are not here; it changes with
// each Restart.
func (c *Cluster) Process(id int) *os.Process { return c.nodes[id-1].machine.process }

// Restart starts the Java machine of a broker that was killed, on its ports and
// its data, and returns when the broker knows all others.
func (c *Cluster) Restart(t testing.TB, id int) {
	t.Helper()
	m := c.nodes[id-1].machine
	m.start(t)
	m.await(t)
}

// end throws brokers and data away; what they said is told when the test failed.
func (c *Cluster) end(t testing.TB) {
	for _, m := range c.machines {
		if m.process == nil {
			continue
		}
		m.kill()
		if t.Failed() {
			t.Logf("broker %d said\n%s", m.nodes[0].id, m.tail())
		}
	}
}
