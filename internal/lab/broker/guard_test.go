package broker_test

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"betimes/internal/lab/broker"
)

// request frames a body as a client does: length, kind, version, correlation 7, no client id.
func request(kind, version int16, body string) string {
	b := binary.BigEndian.AppendUint16(nil, uint16(kind))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = append(b, 0, 0, 0, 7, 0xff, 0xff)
	b = append(b, body...)
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(b)))) + string(b)
}

var strangers = map[string]string{
	"a browser":                         "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"a client with TLS":                 "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	"a request longer than memory":      "\xff\xff\xff\xff\x00\x03\x00\x00",
	"a request shorter than its header": "\x00\x00\x00\x02\x00\x03",
	"an empty request":                  "\x00\x00\x00\x00\x00\x00\x00\x00",
	"a kind that Kafka does not have":   request(4711, 0, ""),
	"a negative kind":                   request(-3, 0, ""),
	"a kind kept for brokers":           request(4, 0, ""),
	"a version from the future":         request(3, 99, "\xff\xff\xff\xff"),
	"a negative version":                request(3, -1, "\xff\xff\xff\xff"),
	"a produce request of noise":        request(0, 8, "\xff\xff\x00\x01\x00\x00\x00\x01\x7f\xff\xff\xff"),
	"lists longer than the request":     request(1, 11, "\xff\xff\xff\xff\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff\xff\xff"),
}

// send writes bytes to a broker and waits until it hangs up or falls silent.
func send(t *testing.T, addr, bytes string, silence time.Duration) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatalf("the broker takes no connection any more: %v", err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, bytes) // it may have hung up already
	_ = conn.(*net.TCPConn).CloseWrite()
	_ = conn.SetReadDeadline(time.Now().Add(silence))
	_, _ = io.Copy(io.Discard, conn)
}

// alive asks what a client asks first.
func alive(t *testing.T, addr string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatalf("the broker takes no connection any more: %v", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(conn, request(18, 0, "")); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 8)
	if _, err := io.ReadFull(conn, head); err != nil || head[7] != 7 {
		t.Fatalf("the broker does not answer a client any more: %x, %v", head, err)
	}
}

func TestTheBrokersOutliveWhoeverComesToTheirPort(t *testing.T) {
	addr := startIn(t, t.TempDir()).Addrs()[0]
	for name, bytes := range strangers {
		t.Run(name, func(t *testing.T) {
			send(t, addr, bytes, 30*time.Second)
			alive(t, addr)
		})
	}
}

func FuzzThePortOfABroker(f *testing.F) {
	for _, bytes := range strangers {
		f.Add([]byte(bytes))
	}
	b, err := broker.New(broker.Config{Brokers: 1, Listen: "127.0.0.1:0"}, broker.Deps{Dir: f.TempDir()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(b.Close)
	f.Fuzz(func(t *testing.T, bytes []byte) {
		send(t, b.Addrs()[0], string(bytes), 2*time.Second)
		alive(t, b.Addrs()[0])
	})
}
