package wire

import (
	"bytes"
	"encoding/hex"
	"io"
	"reflect"
	"testing"
)

func event(payload string) Frame {
	return Frame{[]FrameHeader{{":message-type", "event"}, {":event-type", "PayloadPart"}, {":content-type", "application/octet-stream"}}, []byte(payload)}
}

func TestFramesEqualTheVendorsOwn(t *testing.T) {
	for _, c := range []struct {
		name, want string
		frame      Frame
	}{
		{"a part", "0000006f000000596cf7d6a50d3a6d6573736167652d747970650700056576656e740b3a6576656e742d7479706507000b5061796c6f6164506172740d3a636f6e74656e742d747970650700186170706c69636174696f6e2f6f637465742d73747265616d68656c6c6f20b2068508", event("hello ")},
		{"an exception", "000000aa0000005ed36624ad0d3a6d6573736167652d74797065070009657863657074696f6e0f3a657863657074696f6e2d747970650700104d6f64656c53747265616d4572726f720d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b224d657373616765223a22626f6f6d222c224572726f72436f6465223a224d6f64656c496e766f636174696f6e54696d654578636565646564227dc495aac3",
			Frame{[]FrameHeader{{":message-type", "exception"}, {":exception-type", "ModelStreamError"}, {":content-type", "application/json"}}, []byte(`{"Message":"boom","ErrorCode":"ModelInvocationTimeExceeded"}`)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := AppendFrame(nil, c.frame)
			if hex.EncodeToString(raw) != c.want {
				t.Errorf("wrote %x", raw)
			}
			if back, err := ReadFrame(bytes.NewReader(raw)); err != nil || !reflect.DeepEqual(back, c.frame) {
				t.Errorf("read %v, %v", back, err)
			}
		})
	}
}

func TestABrokenFrameIsNotRead(t *testing.T) {
	whole := AppendFrame(nil, event("hello"))
	for i := range whole {
		broken := bytes.Clone(whole)
		broken[i] ^= 1
		if f, err := ReadFrame(bytes.NewReader(broken)); err == nil {
			t.Errorf("with byte %d changed: read %v", i, f)
		}
		if _, err := ReadFrame(bytes.NewReader(whole[:i])); err == nil || i > 0 && err == io.EOF {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add(AppendFrame(nil, event("hello")))
	f.Add([]byte{0, 0, 0, 16, 0, 0, 0, 0, 5, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff})
	f.Fuzz(func(t *testing.T, raw []byte) {
		frame, err := ReadFrame(bytes.NewReader(raw))
		if err != nil {
			return
		}
		again, err := ReadFrame(bytes.NewReader(AppendFrame(nil, frame)))
		if err != nil || !bytes.Equal(again.Payload, frame.Payload) {
			t.Errorf("%v, then %v, %v", frame, again, err)
		}
		_, _ = readHeaders(raw) // must end
	})
}
