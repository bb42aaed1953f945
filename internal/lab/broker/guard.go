package broker

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kversion"
)

// Bounds of one request, as Kafka has them.
const (
	minRequest = 10        // kind, version, correlation id and an empty client id
	maxRequest = 100 << 20 // bytes; socket.request.max.bytes
	headBytes  = 8         // length, kind, version: all that is looked at
	apiVersion = 18        // ApiVersions: clients ask it in versions that we do not know
)

// guard is a client's connection whose bytes are looked at before the brokers
// read them: anything may reach an open port, and the brokers take a kind of
// request that they do not know for a reason to panic, and any length for true.
type guard struct {
	net.Conn
	versions *kversion.Versions
	head     []byte // of the current request, not handed on yet
	body     int    // bytes of the current request after its head
}

func (g *guard) Read(p []byte) (int, error) {
	if len(g.head) == 0 && g.body == 0 {
		if err := g.next(); err != nil {
			return 0, err
		}
	}
	if len(g.head) > 0 {
		n := copy(p, g.head)
		g.head = g.head[n:]
		return n, nil
	}
	n, err := g.Conn.Read(p[:min(len(p), g.body)])
	g.body -= n
	return n, err
}

// next reads the head of the next request.
func (g *guard) next() error {
	head := make([]byte, headBytes)
	if _, err := io.ReadFull(g.Conn, head); err != nil {
		return err
	}
	size := int64(binary.BigEndian.Uint32(head))
	kind, version := int16(binary.BigEndian.Uint16(head[4:])), int16(binary.BigEndian.Uint16(head[6:]))
	if size < minRequest || size > maxRequest {
		return fmt.Errorf("a request of %d bytes; they have %d to %d", size, minRequest, maxRequest)
	}
	if most, known := g.versions.LookupMaxKeyVersion(kind); !known || version < 0 || (version > most && kind != apiVersion) {
		return fmt.Errorf("a request of kind %d in version %d, which is none", kind, version)
	}
	g.head, g.body = head, int(size)-(headBytes-4)
	return nil
}
