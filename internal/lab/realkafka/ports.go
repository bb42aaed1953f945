//go:build interop

package realkafka

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Ports of brokers must be known before they start and must still be free when
// one comes back, so they lie below those that the system gives to clients, and
// apart from those that embedded brokers choose for themselves (20000-31999):
// these look only whether somebody listens.
const (
	firstPort = 10000
	lastPort  = 18999
)

// Ports takes n ports for the life of the test, for brokers and whatever else must be
// told its port and takes its time to listen. A locked file each keeps them from other
// tests, also while nobody listens.
func Ports(t testing.TB, n int) []int {
	t.Helper()
	dir := filepath.Join(cacheRoot(t), "ports")
	check(t, os.MkdirAll(dir, 0o755))
	var ports []int
	first := rand.IntN(lastPort - firstPort + 1)
	for i := 0; i <= lastPort-firstPort && len(ports) < n; i++ {
		port := firstPort + (first+i)%(lastPort-firstPort+1)
		if free(t, dir, port) {
			ports = append(ports, port)
		}
	}
	if len(ports) < n {
		t.Fatalf("fewer than %d ports are free between %d and %d", n, firstPort, lastPort)
	}
	return ports
}

// free takes a port, unless another test has it or somebody listens there.
func free(t testing.TB, dir string, port int) bool {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, fmt.Sprint(port)), os.O_CREATE|os.O_RDWR, 0o644)
	check(t, err)
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		f.Close()
		return false
	}
	ln, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		f.Close()
		return false
	}
	ln.Close()
	t.Cleanup(func() { f.Close() })
	return true
}
