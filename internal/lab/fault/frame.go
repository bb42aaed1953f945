package fault

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxFrame bounds what one frame may have, as brokers do (socket.request.max.bytes).
const maxFrame = 100 << 20

// headBytes are kind, version and correlation id.
const headBytes = 8

var errShort = errors.New("the frame ends too early")

// readFrame reads one frame: its length, then so many bytes. Both are returned.
func readFrame(r io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n < 4 || n > maxFrame {
		return nil, fmt.Errorf("a frame of %d bytes; they have 4 to %d", n, maxFrame)
	}
	frame := make([]byte, 4+n)
	copy(frame, length[:])
	_, err := io.ReadFull(r, frame[4:])
	return frame, err
}

// request is one request frame, its head decoded.
type request struct {
	frame        []byte
	key, version int16
	correlation  int32
	client       string
	body         int // where it begins in frame
	decoded      kmsg.Request
}

// parseRequest decodes the head of a request frame.
func parseRequest(frame []byte) (*request, error) {
	if len(frame) < 4+headBytes {
		return nil, errShort
	}
	head := frame[4:]
	r := &request{
		frame: frame, body: 4 + headBytes, key: int16(binary.BigEndian.Uint16(head)),
		version: int16(binary.BigEndian.Uint16(head[2:])), correlation: int32(binary.BigEndian.Uint32(head[4:])),
	}
	rest := head[headBytes:]
	if len(rest) < 2 {
		return r, nil // a request of brokers among themselves, without a client's id
	}
	n := int(int16(binary.BigEndian.Uint16(rest)))
	rest = rest[2:]
	if n > len(rest) {
		return nil, errShort
	}
	if n > 0 {
		r.client, rest = string(rest[:n]), rest[n:]
	}
	if kind := kindOf(r.key, r.version); kind != nil && kind.IsFlexible() {
		var err error
		if rest, err = skipTags(rest); err != nil {
			return nil, err
		}
	}
	r.body = len(frame) - len(rest)
	return r, nil
}

// kindOf is an empty request of a kind and version, nil when it is not known.
func kindOf(key, version int16) kmsg.Request {
	kind := kmsg.RequestForKey(key)
	if kind == nil || version < 0 || version > kind.MaxVersion() {
		return nil
	}
	kind.SetVersion(version)
	return kind
}

// skipTags skips tagged fields: a count, then number, length and bytes of each.
func skipTags(b []byte) ([]byte, error) {
	count, n := binary.Uvarint(b)
	if n <= 0 || count > uint64(len(b)) {
		return nil, errShort
	}
	b = b[n:]
	for range count {
		_, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errShort
		}
		length, m := binary.Uvarint(b[n:])
		if m <= 0 || length > uint64(len(b)-n-m) {
			return nil, errShort
		}
		b = b[n+m+int(length):]
	}
	return b, nil
}

// decode is the whole request, nil when it cannot be read.
func (r *request) decode() kmsg.Request {
	if r.decoded == nil {
		if kind := kindOf(r.key, r.version); kind != nil && kind.ReadFrom(r.frame[r.body:]) == nil {
			r.decoded = kind
		}
	}
	return r.decoded
}

// answered says whether brokers answer it: they do not when a producer wants no
// acknowledgement.
func (r *request) answered() bool {
	if kmsg.Key(r.key) != kmsg.Produce {
		return true
	}
	produce, ok := r.decode().(*kmsg.ProduceRequest)
	return !ok || produce.Acks != 0
}

// answerTo is an empty answer of the request's kind and version.
func (r *request) answerTo() kmsg.Response {
	kind := kindOf(r.key, r.version)
	if kind == nil {
		return nil
	}
	resp := kind.ResponseKind()
	resp.SetVersion(r.version)
	return resp
}

// correlationOf is the request that an answer frame belongs to.
func correlationOf(frame []byte) int32 { return int32(binary.BigEndian.Uint32(frame[4:])) }

// answerBody is where the body of an answer of this kind begins in its frame.
func answerBody(frame []byte, resp kmsg.Response) (int, error) {
	if !flexibleHead(resp) {
		return 8, nil
	}
	rest, err := skipTags(frame[8:])
	return len(frame) - len(rest), err
}

// flexibleHead says whether tags follow the correlation id: the answer to
// ApiVersions never has them, who asks knows no version yet.
func flexibleHead(resp kmsg.Response) bool {
	return resp.IsFlexible() && kmsg.Key(resp.Key()) != kmsg.ApiVersions
}

// answerFrame makes the frame of an answer.
func answerFrame(correlation int32, resp kmsg.Response) []byte {
	frame := make([]byte, 8, 256)
	binary.BigEndian.PutUint32(frame[4:], uint32(correlation))
	if flexibleHead(resp) {
		frame = append(frame, 0)
	}
	return sized(resp.AppendTo(frame))
}

// sized writes the length that a frame has into it.
func sized(frame []byte) []byte {
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	return frame
}
