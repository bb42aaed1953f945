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
