package verify

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"

	"betimes/internal/event"
)

// Outcome is what the sender knows of an event.
type Outcome uint8

// The outcomes. What has none is Unknown: the sender may have been killed.
const (
	Unknown Outcome = iota // it may be stored
	OK                     // acknowledged: it must be
	Failed                 // refused or never sent: it must not be
)

var outcomeNames = [...]string{"unknown", "ok", "failed"}

// String gives the outcome's name.
func (o Outcome) String() string { return outcomeNames[o] }

// Line is one line of a ledger: a send, or the answer to one.
//
//	s <seq> <µs> <id> <key hash> <value crc32c> <line crc32c>
//	a <seq> <µs> ok topic:partition:offset <line crc32c>
//	a <seq> <µs> failed - <line crc32c>
type Line struct {
	Answer bool
	Seq    uint64
	At     time.Time

	ID  []byte // of a send
	Key uint64 // hash; 0: no key
	CRC uint32

	Outcome Outcome      // of an answer
	Source  event.Source // zero: not told
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// recast goes on with a checksum; a length between keeps two parts apart.
func recast(sum uint32, b []byte) uint32 {
	n := len(b)
	sum = crc32.Update(sum, castagnoli, []byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)})
	return crc32.Update(sum, castagnoli, b)
}

// fnv is FNV-1a: the same in every process, so that ledgers outlive theirs.
func fnv(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// keyHash is the hash of a key, 0 for none.
func keyHash(key []byte) uint64 {
	if len(key) == 0 {
		return 0
	}
	return max(fnv(key), 1)
}

// appendLine appends the line with its end.
func appendLine(b []byte, l *Line) []byte {
	from := len(b)
	kind := byte('s')
	if l.Answer {
		kind = 'a'
	}
	b = append(b, kind, ' ')
	b = append(strconv.AppendUint(b, l.Seq, 10), ' ')
	b = append(strconv.AppendInt(b, l.At.UnixMicro(), 10), ' ')
	if l.Answer {
		b = append(append(b, l.Outcome.String()...), ' ')
		if l.Source.Topic == "" {
			b = append(b, '-')
		} else {
			b = l.Source.AppendTo(b)
		}
	} else {
		b = append(append(b, l.ID...), ' ')
		b = append(hex(b, l.Key, 16), ' ')
		b = hex(b, uint64(l.CRC), 8)
	}
	sum := checksum(b[from:])
	return append(hex(append(b, ' '), uint64(sum), 8), '\n')
}

func hex(b []byte, v uint64, width int) []byte {
	const digits = "0123456789abcdef"
	for i := width - 1; i >= 0; i-- {
		b = append(b, digits[v>>(4*i)&15])
	}
	return b
}

// ErrLedger says that a ledger is not what was written.
var ErrLedger = errors.New("not a line of a ledger")

// parseLine reads a line without its end. ID shares b.
func parseLine(b []byte) (l Line, err error) {
	const tail = 9 // a space and the checksum
	if len(b) < tail+2 || b[len(b)-tail] != ' ' {
		return l, fmt.Errorf("%w: too short", ErrLedger)
	}
	body := b[:len(b)-tail]
	if string(hex(nil, uint64(checksum(body)), 8)) != string(b[len(b)-tail+1:]) {
		return l, fmt.Errorf("%w: its checksum is another", ErrLedger)
	}
	fields := bytes.Split(body, []byte{' '})
	switch kind := string(fields[0]); {
	case kind == "s" && len(fields) == 6:
		err = l.parseSend(fields)
	case kind == "a" && len(fields) == 5:
		err = l.parseAnswer(fields)
	default:
		err = fmt.Errorf("%w: %d fields of kind %.1q", ErrLedger, len(fields), kind)
	}
	return l, err
}

func (l *Line) parseHead(fields [][]byte) error {
	seq, err1 := strconv.ParseUint(string(fields[1]), 10, 40)
	at, err2 := strconv.ParseInt(string(fields[2]), 10, 64)
	if err1 != nil || err2 != nil {
		return fmt.Errorf("%w: number or time", ErrLedger)
	}
	l.Seq, l.At = seq, time.UnixMicro(at)
	return nil
}

func (l *Line) parseSend(fields [][]byte) error {
	key, err1 := strconv.ParseUint(string(fields[4]), 16, 64)
	crc, err2 := strconv.ParseUint(string(fields[5]), 16, 32)
	if err1 != nil || err2 != nil || len(fields[3]) == 0 {
		return fmt.Errorf("%w: id, key or checksum of the value", ErrLedger)
	}
	l.ID, l.Key, l.CRC = fields[3], key, uint32(crc)
	return l.parseHead(fields)
}

func (l *Line) parseAnswer(fields [][]byte) error {
	l.Answer = true
	switch string(fields[3]) {
	case "ok":
		l.Outcome = OK
	case "failed":
		l.Outcome = Failed
	case "unknown":
	default:
		return fmt.Errorf("%w: outcome", ErrLedger)
	}
	if place := string(fields[4]); place != "-" {
		var ok bool
		if l.Source, ok = event.ParseSource(place); !ok {
			return fmt.Errorf("%w: place", ErrLedger)
		}
	}
	return l.parseHead(fields)
}
