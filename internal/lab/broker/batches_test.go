package broker

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
)

// entry is one whole entry of a log.
func entry(body string) []byte {
	b := make([]byte, 8, 8+len(body))
	binary.LittleEndian.PutUint32(b, uint32(len(body)))
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum([]byte(body), castagnoli))
	return append(b, body...)
}

// batch is one whole record batch of a producer.
func batch(offset int64, producer int64, sequence int32) []byte {
	b := make([]byte, batchHeaderSize+20)
	binary.BigEndian.PutUint64(b, uint64(offset))
	binary.BigEndian.PutUint32(b[atLength:], uint32(len(b)-12))
	binary.BigEndian.PutUint32(b[atLastDelta:], 1)
	binary.BigEndian.PutUint64(b[atProducer:], uint64(producer))
	binary.BigEndian.PutUint32(b[atSequence:], uint32(sequence))
	binary.BigEndian.PutUint32(b[atCRC:], crc32.Checksum(b[atAttributes:], castagnoli))
	return b
}

func TestEveryCutLeavesTheWholePartsBefore(t *testing.T) {
	log := append(entry("\x01\x00first"), entry("\x01\x00other")...)
	segment := append(batch(0, 7, 0), batch(2, 7, 2)...)
	for cut := range len(log) {
		if got, want := wholeEntries(log[:cut]), cut/len(entry("\x01\x00first"))*len(entry("\x01\x00first")); got != want {
			t.Errorf("of a log cut at %d, %d bytes are whole, want %d", cut, got, want)
		}
	}
	for cut := range len(segment) {
		if list, whole := wholeBatches(segment[:cut]); whole != len(list)*len(batch(0, 7, 0)) || len(list) != cut/len(batch(0, 7, 0)) {
			t.Errorf("of a segment cut at %d, %d batches of %d bytes are whole", cut, len(list), whole)
		}
	}
	flipped := bytes.Clone(segment)
	flipped[len(flipped)-1] ^= 1
	if list, _ := wholeBatches(flipped); len(list) != 1 {
		t.Errorf("%d batches are whole, the second of two is damaged", len(list))
	}
}

func TestTheLastFiveBatchesOfAProducerAreRemembered(t *testing.T) {
	var data []byte
	for i := range int64(8) {
		data = append(data, batch(2*i, 7, int32(2*i))...)
	}
	list, _ := wholeBatches(append(data, batch(16, 9, 0)...))
	seqs := make(sequences)
	seqs.add("a%2Fb-c-3", list)
	w := seqs[sequenceKey{7, "a/b-c", 3}]
	if w == nil || seqs[sequenceKey{9, "a/b-c", 3}] == nil {
		t.Fatalf("the producers are %v", seqs)
	}
	if w.Count != 5 || w.Next != 16 || w.At != 3 || !w.Seen {
		t.Errorf("the window is %+v", w)
	}
	for _, e := range w.Entries {
		if int64(e.First) != e.Offset || e.Next != e.First+2 || e.Offset < 6 {
			t.Errorf("a batch is %+v", e)
		}
	}
}

func FuzzWholeEntries(f *testing.F) {
	f.Add(entry("\x01\x00{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		whole := wholeEntries(data)
		if whole < 0 || whole > len(data) || wholeEntries(data[:whole]) != whole {
			t.Errorf("%d of %d bytes are whole", whole, len(data))
		}
	})
}

func FuzzWholeBatches(f *testing.F) {
	f.Add(batch(0, 7, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, whole := wholeBatches(data)
		again, same := wholeBatches(data[:whole])
		if same != whole || len(again) != len(list) {
			t.Errorf("%d bytes are whole, of these %d", whole, same)
		}
		if index := fillIndex(nil, list); len(index) != len(list)*indexEntrySize {
			t.Errorf("the index has %d bytes for %d batches", len(index), len(list))
		}
		make(sequences).add("t-0", list)
	})
}
