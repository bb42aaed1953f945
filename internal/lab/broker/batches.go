package broker

import (
	"encoding/binary"
	"hash/crc32"
)

// batchHeader is what mending needs of a record batch (magic 2).
type batchHeader struct {
	offset        int64 // of its first record
	leaderEpoch   int32
	transactional bool  // and not the marker of a transaction's end
	producer      int64 // below zero: none
	epoch         int16 // of the producer
	sequence      int32 // of its first record
	newest        int64 // of its records' times, in milliseconds
	records       int32
}

// Where the fields of a batch stand, big-endian; the CRC is of what follows it.
const (
	atLength        = 8 // of what follows the length
	atLeaderEpoch   = 12
	atCRC           = 17
	atAttributes    = 21
	atLastDelta     = 23
	atNewest        = 35
	atProducer      = 43
	atProducerEpoch = 51
	atSequence      = 53
	batchHeaderSize = 61

	transactionalFlag = 1 << 4
	controlFlag       = 1 << 5
)

// wholeBatches reads record batches up to the first that is torn.
func wholeBatches(data []byte) (list []batchHeader, whole int) {
	for len(data)-whole >= batchHeaderSize {
		b := data[whole:]
		size := 12 + int64(binary.BigEndian.Uint32(b[atLength:]))
		if size < batchHeaderSize || size > int64(len(b)) ||
			crc32.Checksum(b[atAttributes:size], castagnoli) != binary.BigEndian.Uint32(b[atCRC:]) {
			break
		}
		list = append(list, readHeader(b))
		whole += int(size)
	}
	return list, whole
}

func readHeader(b []byte) batchHeader {
	attributes := binary.BigEndian.Uint16(b[atAttributes:])
	h := batchHeader{
		offset:        int64(binary.BigEndian.Uint64(b)),
		leaderEpoch:   int32(binary.BigEndian.Uint32(b[atLeaderEpoch:])),
		transactional: attributes&transactionalFlag != 0 && attributes&controlFlag == 0,
		producer:      int64(binary.BigEndian.Uint64(b[atProducer:])),
		epoch:         int16(binary.BigEndian.Uint16(b[atProducerEpoch:])),
		sequence:      int32(binary.BigEndian.Uint32(b[atSequence:])),
		newest:        int64(binary.BigEndian.Uint64(b[atNewest:])),
		records:       int32(binary.BigEndian.Uint32(b[atLastDelta:])) + 1,
	}
	if attributes&controlFlag != 0 {
		h.producer = -1 // a marker has no sequence
	}
	return h
}
