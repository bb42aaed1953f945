package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Frame is one message of an event stream (application/vnd.amazon.eventstream).
type Frame struct {
	Headers []FrameHeader
	Payload []byte
}

// FrameHeader is a header that is a text; those of other types are left out when read.
type FrameHeader struct{ Name, Value string }

// Header gives the value of a header, or nothing.
func (f *Frame) Header(name string) string {
	for _, h := range f.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

const (
	preludeBytes  = 12 // total length, header length, checksum of both
	checksumBytes = 4
	textType      = 7
	// maxFrameBytes is AWS's limit: 16 MiB of payload, 128 KiB of headers.
	maxFrameBytes = 16<<20 + 128<<10 + preludeBytes + checksumBytes
)

// AppendFrame writes f behind buf. Names have at most 255 bytes, values 65535.
func AppendFrame(buf []byte, f Frame) []byte {
	start, headers := len(buf), 0
	for _, h := range f.Headers {
		headers += 1 + len(h.Name) + 1 + 2 + len(h.Value)
	}
	buf = binary.BigEndian.AppendUint32(buf, uint32(preludeBytes+headers+len(f.Payload)+checksumBytes))
	buf = binary.BigEndian.AppendUint32(buf, uint32(headers))
	buf = binary.BigEndian.AppendUint32(buf, crc32.ChecksumIEEE(buf[start:]))
	for _, h := range f.Headers {
		buf = append(append(buf, byte(len(h.Name))), h.Name...)
		buf = append(buf, textType)
		buf = append(binary.BigEndian.AppendUint16(buf, uint16(len(h.Value))), h.Value...)
	}
	buf = append(buf, f.Payload...)
	return binary.BigEndian.AppendUint32(buf, crc32.ChecksumIEEE(buf[start:]))
}

// ErrFrame says that what was read is no event stream.
var ErrFrame = errors.New("event stream")

// ReadFrame reads one frame; io.EOF before its first byte means that there is none.
func ReadFrame(r io.Reader) (Frame, error) {
	prelude := make([]byte, preludeBytes)
	if _, err := io.ReadFull(r, prelude); err != nil {
		return Frame{}, err
	}
	total, headers := binary.BigEndian.Uint32(prelude), binary.BigEndian.Uint32(prelude[4:])
	if crc32.ChecksumIEEE(prelude[:8]) != binary.BigEndian.Uint32(prelude[8:]) {
		return Frame{}, fmt.Errorf("%w: the checksum of a prelude is wrong", ErrFrame)
	}
	if total > maxFrameBytes || total < preludeBytes+checksumBytes || headers > total-preludeBytes-checksumBytes {
		return Frame{}, fmt.Errorf("%w: a frame of %d bytes with %d of headers", ErrFrame, total, headers)
	}
	rest := make([]byte, total-preludeBytes)
	if _, err := io.ReadFull(r, rest); err != nil {
		return Frame{}, io.ErrUnexpectedEOF
	}
	body := rest[:len(rest)-checksumBytes]
	if crc32.Update(crc32.ChecksumIEEE(prelude), crc32.IEEETable, body) != binary.BigEndian.Uint32(rest[len(body):]) {
		return Frame{}, fmt.Errorf("%w: the checksum of a frame is wrong", ErrFrame)
	}
	read, err := readHeaders(body[:headers])
	return Frame{read, body[headers:]}, err
}

// sizes are those of values by type: true, false, byte, short, integer, long, bytes, text, time, UUID; -1: it says so itself.
var sizes = [...]int{0, 0, 1, 2, 4, 8, -1, -1, 8, 16}

func readHeaders(raw []byte) ([]FrameHeader, error) {
	var all []FrameHeader
	for len(raw) > 0 {
		name := int(raw[0])
		if len(raw) < 1+name+1 || int(raw[1+name]) >= len(sizes) {
			return nil, fmt.Errorf("%w: a header is cut off or of an unknown type", ErrFrame)
		}
		kind, value := raw[1+name], raw[2+name:]
		size := sizes[kind]
		if size < 0 {
			if len(value) < 2 {
				return nil, fmt.Errorf("%w: a header is cut off", ErrFrame)
			}
			size, value = int(binary.BigEndian.Uint16(value)), value[2:]
		}
		if len(value) < size {
			return nil, fmt.Errorf("%w: a header is cut off", ErrFrame)
		}
		if kind == textType {
			all = append(all, FrameHeader{string(raw[1 : 1+name]), string(value[:size])})
		}
		raw = value[size:]
	}
	return all, nil
}
