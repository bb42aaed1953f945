package learn

import (
	"reflect"
	"strings"
	"testing"
)

func TestUBJSONReadsEveryType(t *testing.T) {
	const text = "{i\x01a[ZTFi\xffU\xffI\xff\xfeu\xff\xfel\xff\xff\xff\xfdm\x00\x00\x00\x03L\xff\xff\xff\xff\xff\xff\xff\xfcM\x00\x00\x00\x00\x00\x00\x00\x04d\x3f\x80\x00\x00D\x3f\xf0\x00\x00\x00\x00\x00\x00SU\x02hiCxN]" +
		"i\x01b[$U#i\x02\x07\x08i\x01c{#i\x01i\x01dZ}"
	want := map[string]any{
		"a": []any{nil, true, false, -1.0, 255.0, -2.0, 65534.0, -3.0, 3.0, -4.0, 4.0, 1.0, 1.0, "hi", "x"},
		"b": []any{7.0, 8.0}, "c": map[string]any{"d": nil},
	}
	got, err := parseUBJSON([]byte(text))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestUBJSONNamesWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no end":                      {"{i\x01a", "ends too early"},
		"a text longer than the file": {"[SU\xff", "is more than the file has"},
		"a negative length":           {"[Si\xff", "is more than the file has"},
		"a length that is no number":  {"[SZ", `'Z' is no type`},
		"a fractional length":         {"[Sd\x00\x00\x00\x00", "not a whole number"},
		"a type without a count":      {"[$i]", "a type without a count"},
		"an unknown type":             {"[x]", `'x' is no type`},
		"too deep":                    {strings.Repeat("[", 100), "more than 64 levels"},
		"a bomb of nothing":           {"[" + strings.Repeat("[$Z#I\x1b\x58", 1000) + "]", "more items than the file can hold"},
		"bytes behind":                {"ZZ", "bytes follow"},
	} {
		if _, err := parseUBJSON([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func FuzzUBJSON(f *testing.F) {
	for _, seed := range []string{"{i\x01a[ZTF]}", "[$U#i\x02\x07\x08", "[#i\x01{}", "SU\x02hi", "[$Z#U\x0b"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = parseUBJSON(data) })
}
