package oip

import (
	"math"
	"strings"
	"testing"
)

func of(name string, d datatype, shape ...int64) spec { return spec{name, d, shape} }

func takes(inputs ...spec) *signature { return &signature{inputs: inputs} }

// shown writes tensors as JSON.
func shown(t *testing.T, all []tensor) string {
	t.Helper()
	var b []byte
	for i := range all {
		b = appendHead(b, &all[i])
		var err error
		if b, err = appendData(append(b, `,"data":`...), &all[i]); err != nil {
			return string(b) + err.Error()
		}
		b = append(b, "} "...)
	}
	return strings.TrimSpace(string(b))
}

func TestABodyBecomesTheInputsOfTheModel(t *testing.T) {
	four, columns := takes(of("x", typeFP32, -1, 4)), takes(of("b", typeInt64, -1, 1), of("a", typeFP64, -1))
	const xOfFour = `{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2.5,-3,0.1]}`
	for _, tt := range []struct {
		name      string
		signature *signature
		media     string
		body      string
		fields    []string
		want      string
	}{
		{"a row of csv", four, "text/csv", "1,2.5, -3,0.1\n", nil, xOfFour},
		{"instances, as fields make them", four, "application/json", `{"instances":[[1,2.5,-3,0.1]]}`, nil, xOfFour},
		{"a list", four, "application/json", ` [1, 2.5, -3, 1e-1]`, nil, xOfFour},
		{"a list that writes the batch too", four, "", `[[1,2.5,-3,0.1]]`, nil, xOfFour},
		{"an object by the names of inputs", four, "application/json", `{"x":[1,2.5,-3,0.1]}`, nil, xOfFour},
		{"an instance by the names of inputs", four, "application/json", `{"instances":[{"x":[1,2.5,-3,0.1]}]}`, nil, xOfFour},
		{"a whole request", takes(), "application/json", `{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[[1,2.5,-3,0.1]]}]}`, nil, xOfFour},
		{"fields by name, in the model's order", columns, "text/csv", "0.5,7", []string{"a", "b"},
			`{"name":"b","datatype":"INT64","shape":[1,1],"data":[7]} {"name":"a","datatype":"FP64","shape":[1],"data":[0.5]}`},
		{"fields by name in JSON", columns, "application/json", `{"instances":[[0.5,7]]}`, []string{"a", "b"},
			`{"name":"b","datatype":"INT64","shape":[1,1],"data":[7]} {"name":"a","datatype":"FP64","shape":[1],"data":[0.5]}`},
		{"nested lists keep their shape", takes(of("m", typeUint8, -1, -1, 2)), "application/json", `[[1,2],[3,4],[5,6]]`, nil,
			`{"name":"m","datatype":"UINT8","shape":[1,3,2],"data":[1,2,3,4,5,6]}`},
		{"a flat list fills the open dimension", takes(of("m", typeUint8, -1, -1, 2)), "application/json", `[1,2,3,4]`, nil,
			`{"name":"m","datatype":"UINT8","shape":[1,2,2],"data":[1,2,3,4]}`},
		{"a model without a batch", takes(of("v", typeInt8, 3)), "application/json", `[1,-2,127]`, nil, `{"name":"v","datatype":"INT8","shape":[3],"data":[1,-2,127]}`},
		{"a number alone", takes(of("n", typeFP64, -1)), "application/json", `2.5`, nil, `{"name":"n","datatype":"FP64","shape":[1],"data":[2.5]}`},
		{"a text", takes(of("t", typeBytes, -1, 1)), "text/plain", "héllo, \"you\"", nil, `{"name":"t","datatype":"BYTES","shape":[1,1],"data":["héllo, \"you\""]}`},
		{"a text in JSON", takes(of("t", typeBytes, -1)), "application/json", `"a\nb"`, nil, `{"name":"t","datatype":"BYTES","shape":[1],"data":["a\nb"]}`},
		{"quoted cells", takes(of("t", typeBytes, -1, 2)), "text/csv", `"a,b",c`, nil, `{"name":"t","datatype":"BYTES","shape":[1,2],"data":["a,b","c"]}`},
		{"booleans", takes(of("b", typeBool, -1, 3)), "application/json", `[true,0,1.0]`, nil, `{"name":"b","datatype":"BOOL","shape":[1,3],"data":[true,false,true]}`},
		{"large whole numbers keep every digit", takes(of("i", typeInt64, -1), of("u", typeUint64, -1)), "application/json",
			`{"i":-9223372036854775808,"u":18446744073709551615}`, nil,
			`{"name":"i","datatype":"INT64","shape":[1],"data":[-9223372036854775808]} {"name":"u","datatype":"UINT64","shape":[1],"data":[18446744073709551615]}`},
		{"whole numbers written as floats", takes(of("i", typeInt32, -1, 2)), "application/json", `[3.0,3e2]`, nil, `{"name":"i","datatype":"INT32","shape":[1,2],"data":[3,300]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.signature.tensors(tt.media, []byte(tt.body), tt.fields)
			if err != nil || shown(t, got) != tt.want {
				t.Errorf("got  %s, %v\nwant %s", shown(t, got), err, tt.want)
			}
			for i := range got {
				if err := got[i].check(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestABodyThatDoesNotFitIsRefusedWithoutShowingIt(t *testing.T) {
	four := takes(of("x", typeFP32, -1, 4))
	for _, tt := range []struct {
		name      string
		signature *signature
		media     string
		body      string
		want      string
	}{
		{"too few numbers", four, "text/csv", "4111,2,3", "input x (FP32 [-1 4]) takes 4 per event, and the request has 3"},
		{"too many", four, "application/json", "[4111,2,3,4,5]", "takes 4 per event, and the request has 5"},
		{"another nesting", takes(of("m", typeFP32, -1, 2, 3)), "application/json", "[[4111,2],[3,4],[5,6]]", "takes 6 per event, and the request has [3 2]"},
		{"several open dimensions of a flat list", takes(of("m", typeFP32, -1, -1, -1)), "application/json", "[4111]", "write nested lists"},
		{"lists of different lengths", four, "application/json", "[[4111],[2,3]]", "different lengths"},
		{"lists of different depths", four, "application/json", "[4111,[2]]", "different lengths or depths"},
		{"an object in a list", four, "application/json", `[{"a":4111}]`, "an object where a number"},
		{"two instances", four, "application/json", `{"instances":[[4111],[2]]}`, "a list of one instance"},
		{"a text for a number", four, "text/csv", "4111x,2,3,4", "value 1: it holds what is no number of FP32"},
		{"a text for a number in JSON", four, "application/json", `["4111",2,3,4]`, "it holds a text, FP32 wants a number"},
		{"a number for a text", takes(of("t", typeBytes, -1)), "application/json", "4111", "BYTES wants a text"},
		{"a fraction for a whole number", takes(of("i", typeInt32, -1)), "application/json", "4111.5", "no number of INT32"},
		{"a number too large", takes(of("i", typeUint8, -1)), "application/json", "4111", "no number of UINT8"},
		{"less than nothing", takes(of("i", typeUint16, -1)), "application/json", "-4111", "no number of UINT16"},
		{"a number too large for its precision", takes(of("i", typeFP16, -1)), "application/json", "411111", "too large for FP16"},
		{"missing where nothing may be", takes(of("i", typeInt64, -1, 2)), "text/csv", "4111,", "INT64 has no missing value"},
		{"another name", four, "application/json", `{"y":[4111,2,3,4]}`, "has an input x (FP32 [-1 4]), and the request none of that name"},
		{"more names", four, "application/json", `{"x":[4111,2,3,4],"y":1}`, "has 2 members, and the model the inputs x"},
		{"a list for several inputs", takes(of("a", typeFP32, -1), of("b", typeFP32, -1)), "application/json", `[4111,2]`, "has 2 inputs, a (FP32 [-1]), b (FP32 [-1]); make an object"},
		{"inputs that nobody told", takes(), "text/csv", "4111", "the server tells no inputs"},
		{"not JSON", four, "application/json", "4111,2,3,4", "not JSON"},
		{"several lines", four, "text/csv", "4111,2,3,4\n1,2,3,4", "more than one line"},
		{"a stray quote", four, "text/csv", `4111",2,3,4`, "a quote is out of place"},
		{"a whole request whose shape lies", four, "application/json", `{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[4111,2,3,4]}]}`, "inputs[0] of the request: output"},
		{"a whole request without data", four, "application/json", `{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4]}]}`, "it has no data"},
		{"a whole request of another kind", four, "application/json", `{"inputs":[{"name":"x","datatype":"FLOAT","shape":[1],"data":[4111]}]}`, `datatype "FLOAT"`},
		{"another content type", four, "text/libsvm", "0 0:4111", "cannot be made tensors"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.signature.tensors(tt.media, []byte(tt.body), nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "4111") {
				t.Errorf("got %v; want %q", err, tt.want)
			}
		})
	}
}

func TestFieldsAreComparedWithTheModel(t *testing.T) {
	fields := []string{"amount", "hour"}
	for _, tt := range []struct {
		name      string
		signature *signature
		want      string // empty: they agree
	}{
		{"one input of as many", takes(of("x", typeFP32, -1, 2)), ""},
		{"one input of any number", takes(of("x", typeFP32, -1, -1)), ""},
		{"an input for each", takes(of("hour", typeInt64, -1, 1), of("amount", typeFP64, -1)), ""},
		{"one input of more", takes(of("x", typeFP32, -1, 4)), "flow.feature.fields: it names 2 fields, and the model's input x (FP32 [-1 4]) takes 4; make them agree"},
		{"an input of texts", takes(of("x", typeBytes, -1, 2)), "takes texts; use flow.feature.request"},
		{"other names", takes(of("hour", typeInt64, -1), of("country", typeInt64, -1)), "the fields lack country and it has none for amount; make them agree"},
		{"inputs of several numbers", takes(of("hour", typeInt64, -1, 3), of("amount", typeInt64, -1)), "hour (INT64 [-1 3]) takes more than the one number of a field"},
		{"nothing told", takes(), "write inputs: [{name: x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.signature.fits(fields)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestNumbersOf16BitsAreRoundedToTheNearest(t *testing.T) {
	for _, tt := range []struct {
		x           float64
		half, brain uint16
	}{
		{0, 0, 0}, {math.Copysign(0, -1), 0x8000, 0x8000}, {1, 0x3c00, 0x3f80}, {-2, 0xc000, 0xc000}, {65504, 0x7bff, 0x4780},
		{0.1, 0x2e66, 0x3dcd}, {1.0 / 3, 0x3555, 0x3eab}, {0x1p-14, 0x0400, 0x3880}, {0x1p-24, 0x0001, 0x3380}, {0x1p-25, 0, 0x3300},
		{0x1.ff8p-15, 0x03ff, 0x3880}, {math.Inf(1), 0x7c00, 0x7f80}, {math.Inf(-1), 0xfc00, 0xff80}, {2049, 0x6800, 0x4500}, {4095.9, 0x6c00, 0x4580},
	} {
		if h, ok := toHalf(tt.x); !ok || h != tt.half {
			t.Errorf("%v: half %#04x, %v, want %#04x", tt.x, h, ok, tt.half)
		}
		if b, ok := toBrain(tt.x); !ok || b != tt.brain {
			t.Errorf("%v: bfloat16 %#04x, %v, want %#04x", tt.x, b, ok, tt.brain)
		}
	}
	for h := range uint16(0x7c00) {
		if back, ok := toHalf(fromHalf(h)); !ok || back != h {
			t.Fatalf("%#04x became %#04x", h, back)
		}
	}
	_, half := toHalf(65520)
	_, brain := toBrain(3.4e38)
	if half || brain || !math.IsNaN(fromHalf(0x7e00)) || !math.IsNaN(fromBrain(0x7fc0)) || !math.IsInf(fromHalf(0xfc00), -1) {
		t.Error("what is too large is taken, or what is no number read as one")
	}
}

func FuzzABody(f *testing.F) {
	for _, seed := range []string{`[1,2,3,4]`, `{"instances":[[1,2,3,4]]}`, `{"x":[[1],[2]]}`, `{"inputs":[{"name":"x","datatype":"BYTES","shape":[2],"data":["a","b\n"]}]}`, `"text"`, `[[[]]]`, "1,2", `"a`} {
		f.Add([]byte(seed))
	}
	all := []*signature{takes(of("x", typeFP32, -1, 4)), takes(of("x", typeInt8, -1, -1, 2)), takes(of("x", typeBytes, -1)), takes(of("x", typeFP16, -1), of("y", typeBool, 2)), takes()}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, s := range all {
			for _, media := range []string{"application/json", "text/csv", "text/plain"} {
				got, err := s.tensors(media, body, nil)
				for i := range got {
					if err == nil && got[i].check() != nil {
						t.Errorf("%s: a tensor that is none: %v", media, got[i].check())
					}
				}
			}
		}
	})
}
