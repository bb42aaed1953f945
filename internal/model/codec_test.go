package model

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func codec(t *testing.T, contentType string) Codec {
	t.Helper()
	c, err := CodecFor(contentType)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func items(bodies ...string) []Item {
	var list []Item
	for _, b := range bodies {
		list = append(list, Item{Body: []byte(b)})
	}
	return list
}

func TestAContentTypeKeepsItsParameters(t *testing.T) {
	if got := codec(t, "text/csv; charset=utf-8").ContentType(); got != "text/csv; charset=utf-8" {
		t.Errorf("sent as %q", got)
	}
}

func TestAnUnknownContentTypeNamesTheKnownOnes(t *testing.T) {
	_, err := CodecFor("image/png")
	if err == nil || !strings.Contains(err.Error(), `"image/png"`) || !strings.Contains(err.Error(), "text/csv") {
		t.Errorf("got %v", err)
	}
}

func TestEncode(t *testing.T) {
	for _, tt := range []struct {
		name, contentType string
		value             any
		want              string
	}{
		{"a csv line of numbers", "text/csv", []any{1, 2.5, int64(-3)}, "1,2.5,-3"},
		{"a missing value is an empty cell", "text/csv", []any{1, nil, math.NaN(), 4}, "1,,,4"},
		{"booleans are 1 and 0", "text/csv", []any{true, false}, "1,0"},
		{"a text with a comma is quoted", "text/csv", []any{`a,"b"`, "c"}, `"a,""b""",c`},
		{"large and small numbers read back the same", "text/csv", []float64{1e21, 1e-7, 0.1, 123456789}, "1e+21,1e-07,0.1,123456789"},
		{"JSON is any value", "application/json", map[string]any{"instances": []any{[]any{1.5, nil}}}, `{"instances":[[1.5,null]]}`},
		{"NaN in JSON is null", "application/json", map[string]any{"x": []any{math.NaN(), 1}}, `{"x":[null,1]}`},
		{"JSON leaves < alone", "application/json", "a<b", `"a<b"`},
		{"a JSON line has no line end", "application/jsonlines", []float64{1, math.NaN()}, "[1,null]"},
		{"libsvm leaves out what is missing", "text/libsvm", []any{1.5, nil, 3}, "0 0:1.5 2:3"},
		{"text as it is", "text/plain", "hello\nworld", "hello\nworld"},
		{"bytes as they are", "application/octet-stream", []byte{0, 255}, "\x00\xff"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := codec(t, tt.contentType).Encode(tt.value)
			if err != nil || string(got) != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestEncodeRefusesWithoutShowingTheValue(t *testing.T) {
	for _, tt := range []struct {
		name, contentType string
		value             any
		want              string
	}{
		{"an object is no csv line", "text/csv", map[string]any{"card": "4111"}, "an object, not a list"},
		{"an empty list", "text/csv", []any{}, "empty list"},
		{"a list in a list", "text/csv", []any{1, []any{2}}, "value 2 of the request"},
		{"an infinite number", "text/csv", []float64{1, math.Inf(1)}, "infinite"},
		{"a text in libsvm", "text/libsvm", []any{"4111"}, "a text, not a number"},
		{"a number too large", "text/csv", []any{json.Number("1e999")}, "fits 64 bits"},
		{"a number is no text", "text/plain", 12, "a number, not a text"},
		{"a channel is no JSON", "application/json", make(chan int), "cannot be written as JSON"},
		{"infinity is no JSON", "application/json", []float64{math.Inf(-1)}, "cannot be written as JSON"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := codec(t, tt.contentType).Encode(tt.value)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "4111") {
				t.Errorf("got %v; want %q", err, tt.want)
			}
		})
	}
}

func TestARowIsAppendedWithoutAllocating(t *testing.T) {
	row := []float64{12.5, math.NaN(), 3, -0.25}
	for contentType, want := range map[string]string{
		"text/csv":              "12.5,,3,-0.25",
		"application/json":      `{"instances":[[12.5,null,3,-0.25]]}`,
		"application/jsonlines": "[12.5,null,3,-0.25]",
		"text/libsvm":           "0 0:12.5 2:3 3:-0.25",
	} {
		c := codec(t, contentType).(RowCodec)
		dst := make([]byte, 0, 128)
		if got := string(c.AppendRow(dst, row)); got != want {
			t.Errorf("%s: got %q, want %q", contentType, got, want)
		}
		if n := testing.AllocsPerRun(100, func() { _ = c.AppendRow(dst, row) }); n != 0 {
			t.Errorf("%s: %v allocations", contentType, n)
		}
	}
}

func TestJoin(t *testing.T) {
	for _, tt := range []struct {
		name, contentType string
		bodies            []string
		want              string
	}{
		{"csv lines", "text/csv", []string{"1,2", "3,4\n", "5,6\r\n"}, "1,2\n3,4\n5,6"},
		{"one item as it is", "text/csv", []string{"1,2\n"}, "1,2\n"},
		{"JSON instances", "application/json", []string{`{"instances":[[1]]}`, `{ "instances" : [ {"a":"]"} ] }`}, `{"instances":[[1],{"a":"]"}]}`},
		{"JSON lists", "application/json", []string{`[1]`, ` [ "x,y" ] `}, `[1,"x,y"]`},
		{"JSON lines", "application/x-ndjson", []string{`{"a":1}`, `{"a":2}`}, "{\"a\":1}\n{\"a\":2}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := codec(t, tt.contentType)
			for _, b := range tt.bodies {
				if !c.Joinable([]byte(b)) {
					t.Errorf("%q is not joinable", b)
				}
			}
			if got := string(c.Join(items(tt.bodies...))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWhatIsNotOneEventIsNotJoinable(t *testing.T) {
	for contentType, bodies := range map[string][]string{
		"text/csv":              {"", "\n", "1\n2", "\"a\nb\",1"},
		"application/json":      {"", "1", "[", "[1,2]", "[]", `{"a":1}`, `{"instances":[1],"more":1}`, `{"a":[1],"b":[2]}`},
		"application/jsonlines": {"", "1\n2"},
		"text/plain":            {"x"},
	} {
		for _, b := range bodies {
			if codec(t, contentType).Joinable([]byte(b)) {
				t.Errorf("%s %q is joinable", contentType, b)
			}
		}
	}
}

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		name, contentType, body string
		want                    []string
	}{
		{"csv by lines", "text/csv; charset=utf-8", "0.1\n0.2\r\n0.3\n", []string{"0.1", "0.2", "0.3"}},
		{"csv by commas", "text/csv", "0.1,0.2,0.3\n", []string{"0.1", "0.2", "0.3"}},
		{"csv with several columns", "text/csv", "0.1,0.9\n0.2,0.8", []string{"0.1,0.9", "0.2,0.8"}},
		{"predictions keep what stands around them", "application/json", `{"predictions": [{"score":1}, [2,3]],"v":"1"}`,
			[]string{`{"predictions": [{"score":1}],"v":"1"}`, `{"predictions": [[2,3]],"v":"1"}`}},
		{"predictions win over other lists", "application/json", `{"names":["a"],"predictions":[1,2]}`,
			[]string{`{"names":["a"],"predictions":[1]}`, `{"names":["a"],"predictions":[2]}`}},
		{"a bare list", "application/json", "[1, \"a,]\\\"\"]", []string{"[1]", `["a,]\""]`}},
		{"another list", "application/json", `{"outputs":[true,null]}`, []string{`{"outputs":[true]}`, `{"outputs":[null]}`}},
		{"JSON lines", "application/jsonlines", "{\"a\":1}\n{\"a\":2}\n", []string{`{"a":1}`, `{"a":2}`}},
		{"a JSON answer without a content type", "", " [1,2]", []string{" [1]", " [2]"}},
		{"one answer is the body", "application/json", "anything", []string{"anything"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := codec(t, "text/csv").Split([]byte(tt.body), tt.contentType, len(tt.want))
			if err != nil || len(got) != len(tt.want) {
				t.Fatalf("got %q, %v", got, err)
			}
			for i := range got {
				if string(got[i]) != tt.want[i] {
					t.Errorf("answer %d: got %q, want %q", i, got[i], tt.want[i])
				}
			}
		})
	}
}

func TestSplitNeverGuesses(t *testing.T) {
	for _, tt := range []struct{ name, contentType, body string }{
		{"too few lines", "text/csv", "0.1"},
		{"too many lines", "text/csv", "0.1\n0.2\n0.3"},
		{"an empty line", "text/csv", "0.1\n\n"},
		{"an empty cell", "text/csv", "0.1,"},
		{"an empty answer", "text/csv", ""},
		{"two lists", "application/json", `{"a":[1,2],"b":[3,4]}`},
		{"too few predictions", "application/json", `{"predictions":[1]}`},
		{"broken JSON", "application/json", `{"predictions":[1,2]`},
		{"a number", "application/json", "7"},
		{"a page", "text/html", "<html>"},
		{"bytes", "application/octet-stream", "ab"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := codec(t, "text/csv").Split([]byte(tt.body), tt.contentType, 2); err == nil {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	for _, tt := range []struct{ name, contentType, body, want string }{
		{"JSON as it is", "application/json", "{\"score\": 0.5}\n", `{"score": 0.5}`},
		{"a csv number", "text/csv", "0.50\n", "0.50"},
		{"a csv number JSON would not read", "text/csv", ".5", "0.5"},
		{"a csv list", "text/csv; charset=utf-8", "0.1, 0.9", "[0.1,0.9]"},
		{"csv lines", "text/csv", "1,2\n3,4", "[[1,2],[3,4]]"},
		{"a csv label", "text/csv", "fraud,0.9", `["fraud",0.9]`},
		{"an empty cell", "text/csv", "1,,2", "[1,null,2]"},
		{"a number that is none", "text/csv", "nan", `"nan"`},
		{"a quoted cell", "text/csv", `"a,b",1`, `["a,b",1]`},
		{"a JSON line", "application/jsonlines", "{\"a\":1}\n", `{"a":1}`},
		{"JSON lines", "application/jsonlines", "1\n2\n", "[1,2]"},
		{"text", "text/plain", "yes & \"no\"\n", `"yes & \"no\""`},
		{"text that is JSON", "text/plain", `{"a":1}`, `{"a":1}`},
		{"text that only begins like it", "text/plain", `{a}`, `"{a}"`},
		{"bytes", "application/octet-stream", "\xff\x00", `"/wA="`},
		{"no content type", "", "0.7", `"0.7"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := codec(t, "application/json").Decode([]byte(tt.body), tt.contentType)
			if err != nil || string(got) != tt.want || !json.Valid(got) {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, tt := range []struct{ name, contentType, body string }{
		{"nothing", "text/csv", " \n"},
		{"a web page", "Text/HTML; charset=utf-8", "<html>log in</html>"},
		{"broken JSON", "application/json", `{"score":`},
		{"a broken line", "application/jsonlines", "1\n{"},
		{"a broken quote", "text/csv", `"a`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := codec(t, "text/csv").Decode([]byte(tt.body), tt.contentType); err == nil {
				t.Errorf("got %s", got)
			}
		})
	}
}

// FuzzAnswer: no answer breaks a codec; what Split returns is n parts, and what
// Decode returns is JSON.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"predictions":[1,2]}`), "application/json", 2)
	f.Add([]byte("1\n2"), "text/csv", 2)
	f.Add(recordCodec{}.AppendRow(nil, []float64{1}), "application/x-recordio-protobuf", 1)
	f.Add([]byte(`{"a":"\u005d","b":[[],{}]}`), "", 2)
	f.Fuzz(func(t *testing.T, body []byte, contentType string, n int) {
		n = n&7 + 1
		c := csvCodec{}
		if parts, err := c.Split(body, contentType, n); err == nil && len(parts) != n {
			t.Fatalf("%d parts, want %d", len(parts), n)
		}
		if out, err := c.Decode(body, contentType); err == nil && !json.Valid(out) {
			t.Fatalf("not JSON: %q", out)
		}
	})
}

// FuzzJoin: joined JSON is JSON and parts into as many elements.
func FuzzJoin(f *testing.F) {
	f.Add([]byte(`{"instances":[[1]]}`), []byte(`{"instances":["]"]}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		c := jsonCodec{}
		if !c.Joinable(a) || !c.Joinable(b) {
			return
		}
		joined := c.Join([]Item{{Body: a}, {Body: b}})
		if l, ok := findList(joined); !ok || len(l.elements) != 2 {
			t.Fatalf("%q and %q joined to %q", a, b, joined)
		}
	})
}
