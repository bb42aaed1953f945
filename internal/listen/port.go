package listen

import (
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports that are kept or handed on must still be free a moment or a restart later,
// so they must not be of those that the system gives to outgoing connections (32768
// and up on Linux).
const (
	firstLasting = 20000
	lastLasting  = 31999
	lastingTries = 100
)

// Lasting listens on a free port that no outgoing connection takes while nobody
// listens there; on any free one when it finds none.
func Lasting(host string) (net.Listener, error) {
	for range lastingTries {
		try := firstLasting + rand.IntN(lastLasting-firstLasting+1)
		if ln, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(try))); err == nil {
			return ln, nil
		}
	}
	return net.Listen("tcp", net.JoinHostPort(host, "0"))
}
