package model

import (
	"bytes"
	"encoding/hex"
	"math"
	"testing"
)

const recordType = "application/x-recordio-protobuf"

// answerOf is the record that the linear learner answers: its score and label.
func answerOf(t *testing.T, hexed string) []byte {
	t.Helper()
	b, err := hex.DecodeString(hexed)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// half is {"score": 0.5}.
const half = "0a23d7ce" + "13000000" + "12110a0573636f726512081206" + "0a040000003f" + "00"

func TestARecordIsWrittenAsTheContainersReadIt(t *testing.T) {
	c := codec(t, recordType)
	got, err := c.Encode([]any{1.5, nil})
	want := "0a23d7ce" + "18000000" + "0a160a0676616c756573" + "120c120a" + "0a080000c03f0000c07f"
	if err != nil || hex.EncodeToString(got) != want {
		t.Errorf("got %x, %v; want %s", got, err, want)
	}
	if len(got)%4 != 0 || !c.Joinable(got) || c.Joinable(append(got, got...)) || c.Joinable(got[1:]) {
		t.Errorf("%x", got)
	}
}

func TestRecordsOfAnAnswerAreTold(t *testing.T) {
	c := codec(t, recordType)
	one := answerOf(t, half)
	parts, err := c.Split(append(bytes.Clone(one), one...), recordType, 2)
	if err != nil || !bytes.Equal(parts[0], one) || !bytes.Equal(parts[1], one) {
		t.Fatalf("got %x, %v", parts, err)
	}
	if got, err := c.Decode(parts[1], recordType); err != nil || string(got) != `{"score":0.5}` {
		t.Errorf("got %s, %v", got, err)
	}
	if got, err := c.Decode(append(bytes.Clone(one), one...), recordType); err != nil || string(got) != `[{"score":0.5},{"score":0.5}]` {
		t.Errorf("got %s, %v", got, err)
	}
	for name, body := range map[string][]byte{"one too few": one, "cut": one[:20], "no frame": []byte("0.5\n0.5"), "a length beyond the end": {0x0a, 0x23, 0xd7, 0xce, 0xff, 0xff, 0xff, 0xff}} {
		if _, err := c.Split(body, recordType, 2); err == nil {
			t.Errorf("%s is parted", name)
		}
	}
	if _, err := c.Decode(c.(RowCodec).AppendRow(nil, []float64{math.NaN()}), recordType); err == nil {
		t.Error("a record without a label is an answer")
	}
}
