package learn

import (
	"bytes"
	"encoding/hex"
	"math"
	"slices"
	"strings"
	"testing"

	"betimes/internal/model"
)

// frame makes a RecordIO frame.
func frame(content []byte) []byte {
	out := []byte{0x0a, 0x23, 0xd7, 0xce, byte(len(content)), byte(len(content) >> 8), 0, 0}
	return append(append(out, content...), make([]byte, -len(content)&3)...)
}

// vector makes the entry of a map: values → the tensor, of a kind.
func vector(field, kind int, tensor []byte) []byte {
	return appendField(nil, field, appendField(appendField(nil, 1, []byte("values")), 2, appendField(nil, kind, tensor)))
}

// vectorOfAWS is {"values": [1.5, 16.0]} as float32, as AWS's writer frames it.
const vectorOfAWS = "0a23d7ce180000000a160a0676616c756573120c120a0a080000c03f00008041"

func TestRecordIOReadsWhatTheAlgorithmsTake(t *testing.T) {
	known, err := hex.DecodeString(vectorOfAWS)
	if err != nil {
		t.Fatal(err)
	}
	two := []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0x40} // 1, 2
	nan := math.NaN()
	for name, c := range map[string]struct {
		data           []byte
		values, labels []float64
	}{
		"float32":         {known, []float64{1.5, 16}, nil},
		"two records":     {append(bytes.Clone(known), known...), []float64{1.5, 16, 1.5, 16}, nil},
		"without padding": {frame(vector(1, 2, appendField(appendField(nil, 1, two), 3, []byte{2})))[:8+27], []float64{1, 2}, nil},
		"with a label":    {frame(append(vector(1, 2, appendField(nil, 1, two)), vector(2, 2, appendField(nil, 1, two[4:]))...)), []float64{1, 2}, []float64{2}},
		"float64":         {frame(vector(1, 3, appendField(nil, 1, []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x3f}))), []float64{1.5}, nil},
		"int32":           {frame(vector(1, 7, appendField(nil, 1, []byte{5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}))), []float64{5, -1}, nil},
		"sparse":          {frame(vector(1, 2, appendField(appendField(appendField(nil, 1, two), 2, []byte{3, 0}), 3, []byte{4}))), []float64{2, nan, nan, 1}, nil},
	} {
		table, err := ReadRecordIO(bytes.NewReader(c.data), nan)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		same := func(a, b float64) bool { return a == b || a != a && b != b }
		if !slices.EqualFunc(table.Values, c.values, same) || !slices.Equal(table.Labels, c.labels) {
			t.Errorf("%s: %v, %v", name, table.Values, table.Labels)
		}
	}
}

func TestRecordIONamesWhatIsWrong(t *testing.T) {
	known, _ := hex.DecodeString(vectorOfAWS)
	one := []byte{0, 0, 0x80, 0x3f}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":           {nil, "there is no record"},
		"CSV":               {[]byte("1,2,3,4,5\n"), "not with RecordIO's 0xced7230a"},
		"half a frame":      {known[:5], "record 1: its frame ends too early"},
		"half a record":     {known[:20], "ends too early"},
		"a huge length":     {[]byte{0x0a, 0x23, 0xd7, 0xce, 255, 255, 255, 255}, "write whole records"},
		"no protobuf":       {frame([]byte("text")), "no protobuf record"},
		"other widths":      {append(bytes.Clone(known), frame(vector(1, 2, appendField(nil, 1, one)))...), "record 2: it has 1 features"},
		"labels of some":    {append(bytes.Clone(known), frame(append(bytes.Clone(known[8:]), vector(2, 2, appendField(nil, 1, one))...))...), "some records have a label"},
		"bytes for values":  {frame(vector(1, 9, nil)), "of kind 9"},
		"a key beyond":      {frame(vector(1, 2, appendField(appendField(appendField(nil, 1, one), 2, []byte{9}), 3, []byte{4}))), "key 9 is beyond"},
		"more keys":         {frame(vector(1, 2, appendField(appendField(appendField(nil, 1, one), 2, []byte{0, 1}), 3, []byte{4}))), "2 keys and 1 values"},
		"a hostile shape":   {frame(vector(1, 2, appendField(appendField(appendField(nil, 1, one), 2, []byte{0}), 3, []byte{255, 255, 255, 127}))), "does not fit"},
		"a broken number":   {frame(vector(1, 2, appendField(nil, 1, one[:3]))), "no protobuf record"},
		"an infinite value": {frame(vector(1, 2, appendField(nil, 1, []byte{0, 0, 0x80, 0x7f}))), "infinite"},
	} {
		if _, err := ReadRecordIO(bytes.NewReader(c.data), 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestAPredictionIsARecord(t *testing.T) {
	framed := AppendRecord(nil, 0.5, 1)
	if !bytes.Contains(framed, []byte("score")) || !bytes.Contains(framed, []byte("predicted_label")) || len(framed)%4 != 0 {
		t.Errorf("%x", framed)
	}
	if framed = AppendRecord(nil, 0.5, math.NaN()); bytes.Contains(framed, []byte("predicted_label")) {
		t.Errorf("%x", framed)
	}
}

func FuzzReadRecordIO(f *testing.F) {
	known, _ := hex.DecodeString(vectorOfAWS)
	f.Add(known)
	f.Add(frame(vector(1, 2, []byte{10, 0})))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := ReadRecordIO(bytes.NewReader(data), 0)
		if err == nil && table.Rows()*table.Width != len(table.Values) {
			t.Fatalf("%d rows of %d, %d values", table.Rows(), table.Width, len(table.Values))
		}
	})
}

func TestTheRecordsThatTheClientWritesAreRead(t *testing.T) {
	codec, err := model.CodecFor("application/x-recordio-protobuf")
	if err != nil {
		t.Fatal(err)
	}
	one, _ := codec.Encode([]any{1.5, -2})
	two, _ := codec.Encode([]any{nil, 4})
	table, err := ReadRecordIO(bytes.NewReader(codec.Join([]model.Item{{Body: one}, {Body: two}})), 0)
	if err != nil || table.Rows() != 2 || table.Width != 2 || table.Values[0] != 1.5 || !math.IsNaN(table.Values[2]) || table.Values[3] != 4 {
		t.Fatalf("got %+v, %v", table, err)
	}
	answer := AppendRecord(nil, 0.25, 1)
	if got, err := codec.Decode(answer, codec.ContentType()); err != nil || string(got) != `{"predicted_label":1,"score":0.25}` {
		t.Errorf("got %s, %v", got, err)
	}
}
