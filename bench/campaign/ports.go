package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Where ports are: below those that the system gives to outgoing connections, so that a
// process that was killed finds its own again, and below those that the brokers of tests
// take.
const (
	lowestPort  = 10_000
	highestPort = 20_000
	blockPorts  = 8
)

// claims are the ports of a campaign, in blocks. It listens on the first port of each
// block for as long as it runs: that is how other campaigns see, also while nobody
// listens on the others, that these are taken.
type claims struct {
	mu    sync.Mutex
	signs []net.Listener
}

// take takes n ports in a row.
func (c *claims) take(n int) (first int, err error) {
	if n >= blockPorts {
		return 0, fmt.Errorf("%d ports are more than a block has", n)
	}
	for range 1000 {
		sign := lowestPort + blockPorts*rand.IntN((highestPort-lowestPort)/blockPorts)
		if err = c.claim(sign, n); err == nil {
			return sign + 1, nil
		}
	}
	return 0, fmt.Errorf("no %d free ports in a row between %d and %d: %w", n, lowestPort, highestPort, err)
}

func (c *claims) claim(sign, n int) error {
	ln, err := net.Listen("tcp", loopback(sign))
	if err != nil {
		return err
	}
	if err := canListen(sign+1, n); err != nil {
		ln.Close()
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.signs = append(c.signs, ln)
	return nil
}

// leave gives all back.
func (c *claims) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ln := range c.signs {
		ln.Close()
	}
	c.signs = nil
}

func canListen(first, n int) error {
	var errs []error
	for i := range n {
		ln, err := net.Listen("tcp", loopback(first+i))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		ln.Close()
	}
	return errors.Join(errs...)
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
