package main

import (
	"sync"
	"testing"
)

func TestTwoCampaignsTakeNoPortTwiceThoughNobodyListensThere(t *testing.T) {
	one, other := &claims{}, &claims{}
	defer one.leave()
	defer other.leave()
	var mu sync.Mutex
	seen := map[int]bool{}
	var all sync.WaitGroup
	for _, c := range []*claims{one, other} {
		for range 200 {
			all.Go(func() {
				first, err := c.take(blockPorts - 1)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for port := first; port < first+blockPorts-1; port++ {
					if seen[port] {
						t.Errorf("port %d is taken twice", port)
					}
					seen[port] = true
				}
			})
		}
	}
	all.Wait()
	if _, err := one.take(blockPorts); err == nil {
		t.Error("more ports than a block has are taken")
	}
}
