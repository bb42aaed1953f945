package feature

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"betimes/internal/event"
)

var payment = &event.Event{
	Key:      []byte("card-7"),
	Value:    []byte(`{"amount":12.5,"hour":23,"country":"AT","list":[1,2,3],"obj":{"a":"x"},"key":"own","card":"4111111111111111","type":"chip"}`),
	Headers:  []event.Header{{Name: "tier", Value: []byte("gold")}, {Name: "tier", Value: []byte("second")}},
	Recorded: time.Unix(100, 0),
}

func open(t testing.TB, e *event.Event, format Format) *Input {
	t.Helper()
	r, err := NewReader(format)
	if err != nil {
		t.Fatal(err)
	}
	return r.Open(e, time.Unix(160, 0))
}

func TestExpressionsOverAnEvent(t *testing.T) {
	for src, want := range map[string]any{
		`amount * 2`:                           25.0,
		`hour % 24`:                            23,
		`hour in 22..23`:                       true,
		`key`:                                  "card-7",
		`payload.key`:                          "own",
		`payload.type`:                         "chip",
		`headers.tier`:                         "gold",
		`headers["none"]`:                      "",
		`missing`:                              nil,
		`(missing ?? 3) + 1`:                   4,
		`missing?.part`:                        nil,
		`obj.a`:                                "x",
		`(now - event_time).Minutes()`:         1.0,
		`[amount, hour]`:                       []any{12.5, 23},
		`list | filter(# > 1) | map(# * hour)`: []any{46, 69},
		`country == "AT" and any(list, # == hour)`:            false,
		`{"instances": [[amount]]}`:                           map[string]any{"instances": []any{[]any{12.5}}},
		`let twice = amount * 2; twice > 20 ? "high" : "low"`: "high",
	} {
		t.Run(src, func(t *testing.T) {
			x, err := Compile(src, Any)
			if err != nil {
				t.Fatal(err)
			}
			in := open(t, payment, Format{})
			defer in.Close()
			for range 2 { // the second time with what the first left behind
				got, err := x.Eval(in)
				if err != nil || fmt.Sprintf("%T %v", got, got) != fmt.Sprintf("%T %v", want, want) {
					t.Errorf("got %T %v, %v; want %T %v", got, got, err, want, want)
				}
			}
		})
	}
}

func TestCompileRefusesWithThePosition(t *testing.T) {
	for src, want := range map[string]string{
		``:                                "the expression is empty",
		`amount +`:                        `expression "amount +" at 1:8: unexpected token EOF`,
		"amount\n+ $ 1":                   "at 2:5",
		`key + 1`:                         "at 1:5: invalid operation: + (mismatched types string and int)",
		`headers.x > 1`:                   "at 1:11: invalid operation: > (mismatched types string and int)",
		`score(amount)`:                   "score is no function of the expression language",
		`type == "chip"`:                  `invalid operation: == (mismatched types`,
		`[type]`:                          "type is a function; write payload.type for a field of that name",
		`$env`:                            "write payload for the whole event",
		strings.Repeat("a", 20_000):       "has 20000 bytes, more than 16384",
		strings.Repeat("a+", 4_000) + "a": "exceeds maximum allowed nodes",
		strings.Repeat("(", 16_000):       "expression",
	} {
		if _, err := Compile(src, Any); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v; want %s", src, err, want)
		}
	}
	if _, err := Compile(`"text"`, Bool); err == nil || !strings.Contains(err.Error(), "expected bool, but got string") {
		t.Errorf("a text where a truth value is wanted: %v", err)
	}
}

func TestEvaluationFailsWithPositionAndRemedyAndWithoutTheValue(t *testing.T) {
	huge := &event.Event{Value: []byte(`{"big":1e400,` + string(payment.Value[1:]))}
	for src, want := range map[string]string{
		`missing > 3`:               "the expression failed at 1:9: invalid operation: <nil> > int; a field is absent or null there: write (field ?? 0)",
		`obj.b.c`:                   "a field is absent or null there; write field?.part",
		`country > 3`:               "invalid operation: string > int",
		`split(hour, " ")`:          "a number is there, and text is needed; mend the field, or write string(field)",
		`split(list, " ")`:          "a list is there, and text is needed",
		`split(missing, " ")`:       `a field is absent or null there, and text is needed: write (field ?? "")`,
		`len(missing)`:              "invalid argument for len (type <nil>)",
		`list[7]`:                   "the list is shorter than that",
		`hour % 0`:                  "integer divide by zero",
		`int("x" + card)`:           "at 1:1",
		`float(card + "x")`:         "at 1:1",
		`date(card)`:                "at 1:1",
		`fromJSON(card + "]")`:      "at 1:1",
		`card matches ("(" + card)`: "at 1:6",
		`list[card]`:                "at 1:5",
		`{"a": 1}[card].x`:          "absent or null",
		`repeat(card, 1000000)`:     "makes more than 1000000 elements",
		`map(1..2000000, #)`:        "makes more than 1000000 elements",
		`big`:                       "big: is beyond what a 64-bit float can hold",
	} {
		t.Run(src, func(t *testing.T) {
			x, err := Compile(src, Any)
			if err != nil {
				t.Fatal(err)
			}
			in := open(t, huge, Format{})
			defer in.Close()
			_, err = x.named("flow.feature.request").Eval(in)
			e, ok := errors.AsType[*Error](err)
			if !ok || !strings.Contains(e.Error(), want) {
				t.Fatalf("got %v; want %s", err, want)
			}
			if strings.Contains(err.Error(), "4111") {
				t.Errorf("the error holds the card number: %v", err)
			}
		})
	}
}

func TestClosuresOverLongListsAreCutOff(t *testing.T) {
	long := `{"list":[` + strings.Repeat("0,", 50_000) + `0]}`
	for _, src := range []string{
		`all(list, none(list, # == 1))`,
		`list | filter(true) | map(sum(list, #))`,
	} {
		x, err := Compile(src, Any)
		if err != nil {
			t.Fatal(err)
		}
		in := open(t, &event.Event{Value: []byte(long)}, Format{})
		if _, err = x.Eval(in); err == nil || !strings.Contains(err.Error(), "more than 1000000") {
			t.Errorf("%s: %v", src, err)
		}
	}
}

func TestBoolAndStringSayWhatTheyGot(t *testing.T) {
	in := open(t, payment, Format{})
	amount, _ := Compile("amount", Bool)
	if _, err := amount.Bool(in); err == nil || !strings.Contains(err.Error(), "gives neither true nor false; compare with something") {
		t.Errorf("Bool of a number: %v", err)
	}
	for src, want := range map[string]string{
		`country`: "AT", `hour`: "23", `amount`: "12.5", `amount > 1`: "true", `missing`: "", `now - event_time`: "1m0s",
	} {
		x, _ := Compile(src, Text)
		if got, err := x.String(in); err != nil || got != want {
			t.Errorf("String of %s: %q, %v; want %q", src, got, err, want)
		}
	}
	list, _ := Compile("list", Text)
	if _, err := list.String(in); err == nil || !strings.Contains(err.Error(), "gives a list, not text") {
		t.Errorf("String of a list: %v", err)
	}
}

func TestOtherFormatsInExpressions(t *testing.T) {
	for _, c := range []struct {
		format     Format
		value, src string
		want       any
	}{
		{Format{Value: ValueCSV, Columns: []string{"amount", "country", "note"}}, "12,AT,", `[amount, country, note, payload.amount]`, []any{12, "AT", nil, 12}},
		{Format{Value: ValueCSV}, "1.5,\"a,\"\"b\"\"\",x\r\n", `payload`, []any{1.5, `a,"b"`, "x"}},
		{Format{Value: ValueText}, "hello", `upper(payload)`, "HELLO"},
		{Format{Value: ValueBytes}, "\xff\x00", `len(payload)`, 2},
		{Format{}, "[1,2]", `payload[1]`, 2},
	} {
		x, err := Compile(c.src, Any)
		if err != nil {
			t.Fatal(err)
		}
		got, err := x.Eval(open(t, &event.Event{Value: []byte(c.value)}, c.format))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s of a %s value: %v, %v; want %v", c.src, c.format.Value, got, err, c.want)
		}
	}
}

func FuzzExpression(f *testing.F) {
	for _, s := range []string{`amount * 2`, `list | filter(# > 1) | map(# * hour)`, `let a = 1; a`, `{"a": [card]}`, `payload?.x ?? key`, `now - event_time`, `card[1:3]`, `reduce(list, #acc + #, 0)`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		x, err := Compile(src, Any)
		if err != nil {
			return
		}
		r, _ := NewReader(Format{})
		in := r.Open(payment, time.Unix(160, 0))
		defer in.Close()
		_, err = x.Eval(in)
		if _, typed := errors.AsType[*Error](err); err != nil && !typed {
			t.Errorf("untyped error %v", err)
		}
		if err != nil && strings.Contains(err.Error(), "4111111111111111") && !strings.Contains(src, "4111111111111111") {
			t.Errorf("the error holds the card number: %v", err)
		}
	})
}

func TestTheFieldsOfAnExpressionAreThoseOfItsEvent(t *testing.T) {
	for src, want := range map[string][]string{
		`{"text": text, "words": len(split(text, " "))}`: {"text"},
		`b + a * payload.c - hour`:                       {"a", "b", "hour"},
		`key + headers["x"]`:                             nil,
		`map(items, #.price)`:                            {"items"},
	} {
		x, err := Compile(src, Any)
		if err != nil {
			t.Fatal(err)
		}
		if got := x.Fields(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", src, got, want)
		}
	}
}
