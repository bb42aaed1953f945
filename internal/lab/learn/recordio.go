package learn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// RecordIO frames records: magic, length, content, zeros up to a multiple of 4, all little-endian.
const (
	recordMagic    = 0xCED7230A
	maxRecordBytes = 64 << 20
	maxSparseCells = 32 << 20 // of a table: a few bytes of a sparse record make a row of MaxColumns
)

// ReadRecordIO reads a table of RecordIO frames with protobuf records, as the
// AWS algorithms take them. absent is what a sparse record's missing items are.
func ReadRecordIO(r io.Reader, absent float64) (*Table, error) {
	frames, table := bufio.NewReader(r), &Table{}
	for n := 1; ; n++ {
		content, err := readFrame(frames)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = table.addRecord(content, absent)
		}
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", n, err)
		}
	}
	if table.Rows() == 0 {
		return nil, errors.New("record 1: there is no record")
	}
	return table, nil
}

// readFrame gives io.EOF only between frames.
func readFrame(r *bufio.Reader) ([]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, errors.New("its frame ends too early")
	}
	if magic := binary.LittleEndian.Uint32(head[:]); magic != recordMagic {
		return nil, fmt.Errorf("it begins with %#x and not with RecordIO's %#x", magic, uint32(recordMagic))
	}
	size := binary.LittleEndian.Uint32(head[4:])
	if size > maxRecordBytes {
		return nil, fmt.Errorf("%d bytes are more than %d, or a part of a record; write whole records", size, maxRecordBytes)
	}
	content, err := io.ReadAll(io.LimitReader(r, int64(size)))
	if err == nil && len(content) < int(size) {
		err = errors.New("its frame ends too early")
	}
	if err == nil {
		_, err = r.Discard(int(-size & 3))
	}
	if errors.Is(err, io.EOF) { // the padding of the last frame is missing: nothing is lost
		err = nil
	}
	return content, err
}

// addRecord appends one record. All rows have the same width, and all or none a label.
func (t *Table) addRecord(content []byte, absent float64) error {
	var features, labels tensor
	if err := readRecord(content, &features, &labels); err != nil {
		return err
	}
	row, err := features.dense(absent)
	if err != nil {
		return err
	}
	rows := t.Rows()
	switch {
	case len(features.keys) > 0 && len(t.Values)+len(row) > maxSparseCells:
		return fmt.Errorf("sparse records become more than %d numbers; send fewer at once", maxSparseCells)
	case rows == 0:
		t.Width = len(row)
	case len(row) != t.Width:
		return fmt.Errorf("it has %d features, the records before have %d", len(row), t.Width)
	case (len(labels.values) > 0) != (t.Labels != nil):
		return errors.New("some records have a label and some have none")
	}
	if len(labels.values) > 1 {
		return fmt.Errorf("it has %d labels; only one is supported", len(labels.values))
	}
	t.Values, t.Labels = append(t.Values, row...), append(t.Labels, labels.values...)
	return nil
}

// AppendRecord appends a frame with a prediction: its score and, unless it is NaN, its label.
func AppendRecord(out []byte, score, label float64) []byte {
	content := appendLabel(nil, "score", score)
	if !math.IsNaN(label) {
		content = appendLabel(content, "predicted_label", label)
	}
	out = binary.LittleEndian.AppendUint32(out, recordMagic)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(content)))
	out = append(out, content...)
	return append(out, make([]byte, -len(content)&3)...)
}

// appendLabel appends an entry of the map label: name → a tensor of one float32.
func appendLabel(out []byte, name string, v float64) []byte {
	packed := binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(v)))
	value := appendField(nil, 2, appendField(nil, 1, packed))
	return appendField(out, 2, appendField(appendField(nil, 1, []byte(name)), 2, value))
}

// appendField appends protobuf's field of bytes.
func appendField(out []byte, number int, content []byte) []byte {
	out = binary.AppendUvarint(out, uint64(number)<<3|2)
	out = binary.AppendUvarint(out, uint64(len(content)))
	return append(out, content...)
}
