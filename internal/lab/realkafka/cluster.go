//go:build interop

package realkafka

import (
	"fmt"
	"path/filepath"
	"testing"
)

// Config shapes a cluster.
type Config struct {
	Brokers    int               // 1 or 3; each is a controller too
	Properties map[string]string // more lines of every broker's file, or others
}

// Cluster is brokers that run, each in a process of its own. One goroutine
// kills and starts.
type Cluster struct {
	nodes []*node
}

// Start starts brokers and returns when each of them knows all others. They
// end with the test.
func Start(t testing.TB, cfg Config) *Cluster {
	t.Helper()
	shared := openCache(t)
	dir, ports := folder(t), takePorts(t, 2*cfg.Brokers)
	quick := []string{"-XX:SharedArchiveFile=" + shared.archive()}
	c := &Cluster{}
	for i := range cfg.Brokers {
		c.nodes = append(c.nodes, &node{
			id: i + 1, dir: filepath.Join(dir, fmt.Sprint(i+1)), ports: ports[2*i : 2*i+2], cache: shared, more: quick,
		})
	}
	id := newID()
	for _, n := range c.nodes {
		n.peers = c.nodes
		n.prepare(t, id, cfg.Properties)
	}
	t.Cleanup(func() { c.end(t) })
	for _, n := range c.nodes {
		n.start(t)
	}
	for _, n := range c.nodes {
		n.await(t, cfg.Brokers)
	}
	return c
}

// Addrs are where the brokers listen, HOST:PORT, by id.
func (c *Cluster) Addrs() []string {
	var addrs []string
	for _, n := range c.nodes {
		addrs = append(addrs, n.addr())
	}
	return addrs
}

// Kill kills broker id, from 1, with kill -9.
func (c *Cluster) Kill(id int) { c.nodes[id-1].kill() }

// Restart starts a broker that was killed, on its ports and its data, and
// returns when it knows all others.
func (c *Cluster) Restart(t testing.TB, id int) {
	t.Helper()
	n := c.nodes[id-1]
	n.start(t)
	n.await(t, len(c.nodes))
}

// end throws brokers and data away; what they said is told when the test failed.
func (c *Cluster) end(t testing.TB) {
	for _, n := range c.nodes {
		if n.process == nil {
			continue
		}
		n.kill()
		if t.Failed() {
			t.Logf("broker %d said\n%s", n.id, n.tail())
		}
	}
}
