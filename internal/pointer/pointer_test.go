package pointer

import (
	"testing"

	"github.com/valyala/fastjson"
)

// The document of RFC 6901, section 5, and what keys are made of.
const document = `{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,
"o":{"1":"one","n":1.50,"big":12345678901234567890123,"t":true,"nil":null,"esc":"a\u0041\n","deep":{"x":[1,{"y":"z"}]}},
"twice":1,"twice":2,"~1":9}`

func TestPointerFindsAndWrites(t *testing.T) {
	for _, c := range []struct{ ptr, want string }{
		{"/foo/0", "bar"},
		{"/foo", `["bar","baz"]`},
		{"/", "0"},
		{"/a~1b", "1"},
		{"/c%d", "2"},
		{"/e^f", "3"},
		{"/g|h", "4"},
		{`/i\j`, "5"},
		{`/k"l`, "6"},
		{"/ ", "7"},
		{"/m~0n", "8"},
		{"/~01", "9"},
		{"/o/1", "one"},
		{"/o/n", "1.50"},
		{"/o/big", "12345678901234567890123"},
		{"/o/t", "true"},
		{"/o/nil", ""},
		{"/o/esc", "aA\n"},
		{"/o/deep/x/1/y", "z"},
		{"/o/deep", `{"x":[1,{"y":"z"}]}`},
		{"/twice", "1"},
	} {
		p, err := Parse(c.ptr)
		if err != nil {
			t.Fatalf("Parse(%q): %v", c.ptr, err)
		}
		v := p.In(fastjson.MustParse(document))
		if v == nil {
			t.Errorf("%s: nothing found", c.ptr)
			continue
		}
		if got := string(Bytes(v)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.ptr, got, c.want)
		}
		if p.String() != c.ptr {
			t.Errorf("String() = %q, want %q", p.String(), c.ptr)
		}
	}
}

func TestPointerFindsNothing(t *testing.T) {
	for _, ptr := range []string{"/bar", "/foo/2", "/foo/-", "/foo/-1", "/foo/01", "/foo/+1", "/foo/bar", "/foo/0/x", "/o/t/x", "/foo/99999999999999999999"} {
		p, err := Parse(ptr)
		if err != nil {
			t.Fatalf("Parse(%q): %v", ptr, err)
		}
		if v := p.In(fastjson.MustParse(document)); v != nil {
			t.Errorf("%s: found %s", ptr, v)
		}
	}
	if got := Bytes(nil); got != nil {
		t.Errorf("Bytes(nil) = %q", got)
	}
}

func TestEmptyPointerIsTheWholeDocument(t *testing.T) {
	v := fastjson.MustParse(`{"a":1}`)
	if p, err := Parse(""); err != nil || p.In(v) != v {
		t.Errorf("got %v, %v", p.In(v), err)
	}
}

func TestParseRefusesWithARemedy(t *testing.T) {
	for ptr, want := range map[string]string{
		"key":  `JSON pointer "key" does not begin with /; write /key`,
		"/a~":  `JSON pointer "/a~": ~ in "a~" is not ~0 or ~1; write ~0 for a ~`,
		"/a~2": `JSON pointer "/a~2": ~ in "a~2" is not ~0 or ~1; write ~0 for a ~`,
	} {
		if _, err := Parse(ptr); err == nil || err.Error() != want {
			t.Errorf("Parse(%q): %v, want %s", ptr, err, want)
		}
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	v := fastjson.MustParse(document)
	p, _ := Parse("/o/deep/x/1/y")
	dst := make([]byte, 0, 16)
	if n := testing.AllocsPerRun(100, func() { dst = Append(dst[:0], p.In(v)) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("/a~1b/0", `{"a/b":[1]}`)
	f.Fuzz(func(t *testing.T, ptr, doc string) {
		p, err := Parse(ptr)
		if err != nil {
			return
		}
		if v, err := fastjson.Parse(doc); err == nil {
			Bytes(p.In(v))
		}
	})
}
