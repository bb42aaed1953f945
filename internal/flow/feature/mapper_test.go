package feature

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"betimes/internal/event"
	"betimes/internal/model"
)

// rowCodec is a codec of numbers: rows are written a;b;c with - for missing,
// other values as JSON.
type rowCodec struct{ plainCodec }

func (rowCodec) AppendRow(dst []byte, row []float64) []byte {
	for i, x := range row {
		if i > 0 {
			dst = append(dst, ';')
		}
		if math.IsNaN(x) {
			dst = append(dst, '-')
			continue
		}
		dst = strconv.AppendFloat(dst, x, 'g', -1, 64)
	}
	return dst
}

// plainCodec takes any value, but no rows.
type plainCodec struct{ model.Codec }

func (plainCodec) ContentType() string { return "application/json" }

func (plainCodec) Encode(v any) ([]byte, error) {
	if v == nil {
		return nil, errors.New("nothing to send")
	}
	return json.Marshal(v)
}

func mapper(t testing.TB, cfg Config, format Format) *Mapper {
	t.Helper()
	m, err := New(cfg, format, rowCodec{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFieldsBecomeARowOfNumbers(t *testing.T) {
	m := mapper(t, Config{Fields: []string{"amount", "hour", "risk"}}, Format{})
	for name, c := range map[string]struct{ payload, want string }{
		"numbers in the order of the fields":   {`{"risk":0.25,"hour":23,"amount":1e3}`, "1000;23;0.25"},
		"truth values are one and zero":        {`{"amount":true,"hour":false,"risk":1}`, "1;0;1"},
		"null and absent are missing":          {`{"amount":null,"hour":3}`, "-;3;-"},
		"the first of equal names counts":      {`{"amount":1,"amount":2,"hour":0,"risk":0}`, "1;0;0"},
		"escaped names are the same names":     {`{"\u0061mount":7,"hour":0,"risk":0}`, "7;0;0"},
		"exact to the last digit":              {`{"amount":0.1,"hour":123456789.123456789,"risk":5e-324}`, "0.1;1.2345678912345679e+08;5e-324"},
		"underflow is zero":                    {`{"amount":1e-400,"hour":-0,"risk":0}`, "0;-0;0"},
		"digits beyond a float are rounded":    {`{"amount":123456789012345678901234567890,"hour":0,"risk":0}`, "1.2345678901234568e+29;0;0"},
		"other fields may be of any kind":      {`{"amount":1,"hour":2,"risk":3,"card":"4111","deep":{"amount":9},"list":[1,2]}`, "1;2;3"},
		"white space and a byte after the end": {" {\"amount\" : 1 ,\n\"hour\":2,\t\"risk\":3}\n", "1;2;3"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := m.Body(&event.Event{Value: []byte(c.payload)}, nil)
			if err != nil || string(got) != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestFieldsRefuseWithAReason(t *testing.T) {
	m := mapper(t, Config{Fields: []string{"amount", "hour"}}, Format{})
	deep := strings.Repeat(`{"amount":`, 100_000) + "1" + strings.Repeat("}", 100_000)
	for name, c := range map[string]struct {
		payload string
		reason  event.Reason
		field   string
		says    string
	}{
		"text, even of digits":    {`{"amount":"12"}`, event.ReasonFeature, "amount", "is text"},
		"an object":               {`{"amount":1,"hour":{"h":1}}`, event.ReasonFeature, "hour", "a list or an object"},
		"a list":                  {`{"amount":[1]}`, event.ReasonFeature, "amount", "a list or an object"},
		"beyond a float":          {`{"amount":1e400}`, event.ReasonFeature, "amount", "beyond"},
		"NaN":                     {`{"amount":NaN}`, event.ReasonUndecodable, "amount", "not a number as JSON"},
		"nan in small letters":    {`{"amount":nan}`, event.ReasonUndecodable, "amount", "not a number as JSON"},
		"infinity":                {`{"amount":-Inf}`, event.ReasonUndecodable, "amount", "not a number as JSON"},
		"a leading zero":          {`{"amount":012}`, event.ReasonUndecodable, "amount", "not a number as JSON"},
		"two signs":               {`{"amount":1-2}`, event.ReasonUndecodable, "amount", "not a number as JSON"},
		"a dot at the end":        {`{"amount":1.}`, event.ReasonUndecodable, "amount", "not a number as JSON"},
		"hexadecimal":             {`{"amount":0x10}`, event.ReasonUndecodable, "", "breaks at byte"},
		"a list as the payload":   {`[1,2]`, event.ReasonFeature, "", "not an object (array)"},
		"a number as the payload": {`12`, event.ReasonFeature, "", "not an object (number)"},
		"no payload":              {``, event.ReasonUndecodable, "", "payload is empty"},
		"blank":                   {" \n", event.ReasonUndecodable, "", "payload is empty"},
		"cut off":                 {`{"amount":1,"hour":`, event.ReasonUndecodable, "", "breaks at byte 19 of 19"},
		"more than one value":     {`{"amount":1}{"amount":2}`, event.ReasonUndecodable, "", "breaks at byte 13"},
		"nested 100,000 deep":     {deep, event.ReasonUndecodable, "", "nested more than 300 deep"},
		"nested 301 deep":         {strings.Repeat("[", 301) + strings.Repeat("]", 301), event.ReasonUndecodable, "", "nested more than 300 deep"},
		"an open bracket":         {strings.Repeat("[", 1<<20), event.ReasonUndecodable, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := m.Body(&event.Event{Value: []byte(c.payload)}, nil)
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("got %v, want an *Error", err)
			}
			if e.Reason != c.reason || e.Field != c.field || !strings.Contains(e.Error(), c.says) {
				t.Errorf("got %s of %q: %v", e.Reason, e.Field, err)
			}
			if ReasonOf(fmt.Errorf("wrapped: %w", err)) != c.reason {
				t.Error("ReasonOf loses the reason of a wrapped error")
			}
		})
	}
}

func TestFieldsOfACSVLine(t *testing.T) {
	format := Format{Value: ValueCSV, Columns: []string{"id", "amount", "hour"}}
	m := mapper(t, Config{Fields: []string{"hour", "amount"}}, format)
	for payload, want := range map[string]string{
		"a,1,2":             "2;1",
		"a,1,2\r\n":         "2;1",
		"a, 1.5 ,":          "-;1.5",
		"\"x,\"\"y\",+3,.5": "0.5;3",
		"a,true,\"7\"":      "7;1",
		"a,1,2,3":           "payload has 4 cells, kafka.topics.events.columns names 3; make them agree",
		"a,1":               "payload has 2 cells, kafka.topics.events.columns names 3; make them agree",
		"a,x,1":             "amount: " + string(faultText),
		"a,NaN,1":           "amount: " + string(faultText),
		"a,0x10,1":          "amount: " + string(faultText),
		"a,1-2,1":           "amount: " + string(faultText),
		"a,1e400,1":         "amount: " + string(faultRange),
		"":                  "payload is empty; kafka.topics.events.value says csv",
		"a,\"1,2":           "payload is not one csv line: cell 2 at byte 2 has a stray quote or line end",
		"a,1,2\nb,1,2":      "payload is not one csv line: cell 3 at byte 4 has a stray quote or line end",
		"a,1\"2,3":          "payload is not one csv line: cell 2 at byte 2 has a stray quote or line end",
	} {
		got, err := m.Body(&event.Event{Value: []byte(payload)}, nil)
		if err != nil {
			got = []byte(err.Error())
		}
		if string(got) != want {
			t.Errorf("%q: %s; want %s", payload, got, want)
		}
	}
}

func TestAPayloadAsItIsBecomesAnInstanceWhereThatIsTheForm(t *testing.T) {
	codec, err := model.CodecOf(model.FormInstances, "application/json")
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(Config{}, Format{}, codec)
	if err != nil {
		t.Fatal(err)
	}
	for payload, want := range map[string]string{
		`{"a":[1,2]}`:                        `{"instances":[{"a":[1,2]}]}`,
		`{"instances":[{"a":1}]}`:            `{"instances":[{"a":1}]}`,
		`{"note":"instances are elsewhere"}`: `{"instances":[{"note":"instances are elsewhere"}]}`,
		`{"note":"instances"}`:               `{"instances":[{"note":"instances"}]}`,
	} {
		got, err := m.Body(&event.Event{Value: []byte(payload)}, nil)
		if err != nil || string(got) != want || !codec.Joinable(got) {
			t.Errorf("%s becomes %s, %v", payload, got, err)
		}
	}
}

func TestRequestAndPlainPayload(t *testing.T) {
	request := mapper(t, Config{Request: `{"instances": [[amount, hour ?? 0]]}`}, Format{})
	got, err := request.Body(&event.Event{Value: []byte(`{"amount":1.5}`)}, []byte("before "))
	if err != nil || string(got) != `before {"instances":[[1.5,0]]}` {
		t.Errorf("request: %s, %v", got, err)
	}
	nothing := mapper(t, Config{Request: `hour`}, Format{})
	if _, err = nothing.Body(&event.Event{Value: []byte(`{}`)}, nil); ReasonOf(err) != event.ReasonFeature || err.Error() != "flow.feature.request: nothing to send" {
		t.Errorf("a value the codec refuses: %v", err)
	}
	plain := mapper(t, Config{}, Format{})
	e := &event.Event{Value: []byte(`{"any":"thing"}`)}
	if got, err = plain.Body(e, nil); err != nil || string(got) != string(e.Value) {
		t.Errorf("the payload as it is: %s, %v", got, err)
	}
	if _, err = plain.Body(&event.Event{Value: []byte(`{"a":4111`)}, nil); ReasonOf(err) != event.ReasonUndecodable || strings.Contains(err.Error(), "4111") {
		t.Errorf("not JSON: %v", err)
	}
	raw := mapper(t, Config{}, Format{Value: ValueBytes})
	if got, err = raw.Body(&event.Event{Value: []byte("\x00\xff")}, nil); err != nil || string(got) != "\x00\xff" {
		t.Errorf("bytes: %q, %v", got, err)
	}
}

func TestNewRefusesWithTheRemedy(t *testing.T) {
	for want, c := range map[string]struct {
		cfg    Config
		format Format
		codec  model.Codec
	}{
		`kafka.topics.events.value: "xml" is not known; use json, csv, text, bytes`:   {Config{}, Format{Value: "xml"}, rowCodec{}},
		`kafka.topics.events.columns: a json value has no columns`:                    {Config{}, Format{Columns: []string{"a"}}, rowCodec{}},
		`flow.feature.fields: a text value has no fields by name`:                     {Config{Fields: []string{"a"}}, Format{Value: ValueText}, rowCodec{}},
		`flow.feature.fields: a csv value has no fields by name`:                      {Config{Fields: []string{"a"}}, Format{Value: ValueCSV}, rowCodec{}},
		`flow.feature.fields: "a" is none of kafka.topics.events.columns [b c]`:       {Config{Fields: []string{"a"}}, Format{Value: ValueCSV, Columns: []string{"b", "c"}}, rowCodec{}},
		`flow.feature.fields: a model of content type application/json takes no list`: {Config{Fields: []string{"a"}}, Format{}, plainCodec{}},
		`flow.feature.request: expression "a +" at 1:3`:                               {Config{Request: "a +"}, Format{}, rowCodec{}},
		`flow.feature: fields and request are both set; keep one`:                     {Config{Fields: []string{"a"}, Request: "a"}, Format{}, rowCodec{}},
	} {
		if _, err := New(c.cfg, c.format, c.codec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want %s", err, want)
		}
	}
}

// typical is about the size of the payload of the speed scenarios.
const typical = `{"id":"0191e6f2-7c1d-7d3a-9c1f-1f2e3d4c5b6a","card_token":"tok_0001234","amount":129.95,"currency":"EUR","hour":23,"country":"AT","country_risk":0.12,"merchant_risk":0.4,"event_time":"2026-01-02T03:04:05.678Z"}`

func TestFieldsAllocateNothingPerEvent(t *testing.T) {
	for name, c := range map[string]struct {
		format  Format
		payload string
	}{
		"json": {Format{}, typical},
		"csv":  {Format{Value: ValueCSV, Columns: []string{"amount", "hour", "country_risk", "merchant_risk"}}, `129.95,23,0.12,"0.4"`},
	} {
		t.Run(name, func(t *testing.T) {
			m := mapper(t, Config{Fields: []string{"amount", "hour", "country_risk", "merchant_risk"}}, c.format)
			e := &event.Event{Value: []byte(c.payload)}
			dst := make([]byte, 0, 128)
			least := 1.0 // the pool forgets at a collection, and by chance under the race detector
			for range 100 {
				least = min(least, testing.AllocsPerRun(1, func() {
					if _, err := m.Body(e, dst); err != nil {
						t.Fatal(err)
					}
				}))
			}
			if least != 0 {
				t.Errorf("%v allocations per event, want 0", least)
			}
		})
	}
}

func BenchmarkMapper(b *testing.B) {
	fields := []string{"amount", "hour", "country_risk", "merchant_risk"}
	for name, cfg := range map[string]Config{
		"fields":  {Fields: fields},
		"request": {Request: "[amount, hour, country_risk, merchant_risk]"},
		"payload": {},
	} {
		b.Run(name, func(b *testing.B) {
			m := mapper(b, cfg, Format{})
			e := &event.Event{Value: []byte(typical)}
			dst := make([]byte, 0, 512)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Body(e, dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func FuzzMapper(f *testing.F) {
	for _, s := range []string{typical, `{"a":1e400}`, `{"a":NaN}`, `{"a":{"a":[{}]},"a":2}`, "1,2", "\"1\"\"\",2", `{"\u0061":1,"\ud800":2}`, `[[[[`, "{\"a\":\"\x01\"}"} {
		f.Add([]byte(s))
	}
	csv := Format{Value: ValueCSV, Columns: []string{"a", "b"}}
	var all []*Mapper
	for _, format := range []Format{{}, csv, {Value: ValueText}} {
		for _, cfg := range []Config{{}, {Fields: []string{"a", "b"}}, {Request: `[a, b ?? 0, payload]`}, {Request: `map(payload, #)`}} {
			if m, err := New(cfg, format, rowCodec{}); err == nil {
				all = append(all, m)
			}
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		before := string(payload)
		for _, m := range all {
			body, err := m.Body(&event.Event{Value: payload}, nil)
			if _, typed := errors.AsType[*Error](err); err != nil && !typed {
				t.Errorf("untyped error %v", err)
			}
			if err == nil && m.fields != nil && strings.Count(string(body), ";") != 1 {
				t.Errorf("row %q of %q", body, payload)
			}
		}
		if string(payload) != before {
			t.Error("the payload was changed")
		}
	})
}
