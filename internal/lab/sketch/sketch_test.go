package sketch

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func samples(n int, f func(i int) (key, value string)) []Sample {
	var out []Sample
	for i := range n {
		k, v := f(i)
		out = append(out, Sample{[]byte(k), []byte(v)})
	}
	return out
}

func TestInferFindsWhatPeopleWouldWrite(t *testing.T) {
	cases := map[string]struct {
		samples []Sample
		want    Guess
	}{
		"orders keyed by customer": {
			samples(20, func(i int) (string, string) {
				return fmt.Sprint("c", i%4), fmt.Sprintf(`{"order_id":"o%d","customer":"c%d","total":%d.5,"items":%d,"created_at":"2026-01-31T12:00:%02dZ","country":"NL"}`, i, i%4, i, i%3, i)
			}),
			Guess{Samples: 20, Readable: 20, Value: "json", Key: "/customer", KeySure: true, ID: "/order_id", EventTime: "/created_at", Fields: []string{"total", "items"}, Others: []string{"country"}},
		},
		"no record key, camel case, Unix milliseconds": {
			samples(10, func(i int) (string, string) {
				return "", fmt.Sprintf(`{"eventId":%d,"userId":"u%d","ts":%d,"score":0.%d}`, i+1000, i%3, 1769860800000+i, i)
			}),
			Guess{Samples: 10, Readable: 10, Value: "json", Key: "/userId", ID: "/eventId", EventTime: "/ts", Fields: []string{"score"}},
		},
		"a number that is sometimes missing is no feature": {
			samples(4, func(i int) (string, string) {
				if i == 0 {
					return "", `{"a":1}`
				}
				return "", `{"a":1,"b":2}`
			}),
			Guess{Samples: 4, Readable: 4, Value: "json", Fields: []string{"a"}, Others: []string{"b"}},
		},
		"lines of numbers": {
			samples(5, func(i int) (string, string) { return "", fmt.Sprintf("%d,2.5,3", i) }),
			Guess{Samples: 5, Readable: 5, Value: "csv", Columns: 3},
		},
		"prose": {
			samples(5, func(int) (string, string) { return "", "hello world" }),
			Guess{Samples: 5, Readable: 5, Value: "text"},
		},
		"nothing": {nil, Guess{Value: "text"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Infer(c.samples); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestNothingOfASampleButFieldNamesIsWritten(t *testing.T) {
	g := Infer(samples(20, func(i int) (string, string) {
		return "secret-key", fmt.Sprintf(`{"id":"secret-id-%d","amount":1,"note":"secret-note"}`, i)
	}))
	var b strings.Builder
	if err := Write(&b, g, Target{Name: "orders", Seed: "127.0.0.1:9092", Topic: "orders", Partitions: 3}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "secret") || !strings.Contains(b.String(), `id: "/id"`) {
		t.Error(b.String())
	}
}
