package registry

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/avro"

	"betimes/internal/setting"
)

const payment = `{"type":"record","name":"Payment","fields":[
	{"name":"id","type":"string"},{"name":"amount","type":"double"},{"name":"hour","type":"int"},
	{"name":"note","type":["null","string"],"default":null}]}`

// fake is a registry whose answers can be taken away.
type fake struct {
	answers map[string]string // path → body
	away    atomic.Bool
	asked   atomic.Int32
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.asked.Add(1)
	body, ok := f.answers[r.URL.Path]
	switch {
	case f.away.Load():
		w.WriteHeader(http.StatusServiceUnavailable)
	case !ok:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error_code":40403,"message":"Schema not found"}`)
	default:
		_, _ = io.WriteString(w, body)
	}
}

func told(schema string) string {
	text, _ := json.Marshal(schema)
	return `{"schema":` + string(text) + `}`
}

func decoder(t testing.TB, f *fake) *Decoder {
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	c := DefaultConfig()
	c.URL = server.URL
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// record is a value in Confluent's wire format.
func record(t testing.TB, id uint32, schema string, v any) []byte {
	t.Helper()
	s, err := avro.Parse(schema)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.AppendEncode(binary.BigEndian.AppendUint32([]byte{0}, id), v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestARecordBecomesJSONAsPeopleWriteIt(t *testing.T) {
	rat := big.NewRat(-12345, 100)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	for _, tt := range []struct {
		name, schema string
		value        any
		want         string
	}{
		{"a record", payment, map[string]any{"id": "p-1", "amount": 12.5, "hour": int32(3), "note": nil}, `{"amount":12.5,"hour":3,"id":"p-1","note":null}`},
		{"a union is its value", `["null","string","long"]`, int64(7), `7`},
		{"a time", `{"type":"long","logicalType":"timestamp-millis"}`, at, `"2026-01-02T03:04:05.006Z"`},
		{"a time of day", `{"type":"int","logicalType":"time-millis"}`, 1500 * time.Millisecond, `1.5`},
		{"a decimal keeps every digit", `{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`, rat, `-123.45`},
		{"bytes", `"bytes"`, []byte{0, 255}, `"AP8="`},
		{"a float in its own precision", `"float"`, float32(0.1), `0.1`},
		{"no number", `"double"`, func() float64 { z := 0.0; return z / z }(), `null`},
		{"lists and maps", `{"type":"map","values":{"type":"array","items":"boolean"}}`, map[string]any{"b": []any{true}, "a": []any{}}, `{"a":[],"b":[true]}`},
		{"a text with quotes", `"string"`, "a\"b\n<é>", `"a\"b\n<é>"`},
		{"an enum", `{"type":"enum","name":"E","symbols":["A","B"]}`, "B", `"B"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := decoder(t, &fake{answers: map[string]string{"/schemas/ids/7": told(tt.schema)}})
			got, err := d.JSON(record(t, 7, tt.schema, tt.value))
			if err != nil || string(got) != tt.want || !json.Valid(got) {
				t.Errorf("got %s, %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestASchemaIsAskedForOnceAndServedWhileTheRegistryIsAway(t *testing.T) {
	f := &fake{answers: map[string]string{"/schemas/ids/7": told(payment)}}
	d := decoder(t, f)
	value := record(t, 7, payment, map[string]any{"id": "p-1", "amount": 1.5, "hour": 1})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := d.JSON(value); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	f.away.Store(true)
	if _, err := d.JSON(value); err != nil || f.asked.Load() != 1 {
		t.Errorf("%v, asked %d times", err, f.asked.Load())
	}
	if _, err := d.JSON(record(t, 8, payment, map[string]any{"id": "p-1", "amount": 1.5, "hour": 1})); !errors.Is(err, ErrAway) || d.Err() == nil {
		t.Errorf("an id that is not known: %v", err)
	}
}

func TestARegistryThatIsAwayIsAskedAgainAndNotForEveryEvent(t *testing.T) {
	f := &fake{answers: map[string]string{"/schemas/ids/7": told(payment)}}
	f.away.Store(true)
	d := decoder(t, f)
	value := record(t, 7, payment, map[string]any{"id": "p-1", "amount": 1.5, "hour": 1})
	for range 100 {
		if _, err := d.JSON(value); !errors.Is(err, ErrAway) {
			t.Fatal(err)
		}
	}
	if n := f.asked.Load(); n > 10 {
		t.Errorf("asked %d times", n)
	}
	f.away.Store(false)
	d.mu.Lock()
	clear(d.failed) // as after its second
	d.mu.Unlock()
	if _, err := d.JSON(value); err != nil || d.Err() != nil {
		t.Errorf("back again: %v, %v", err, d.Err())
	}
}

func TestASchemaMayReferToOthers(t *testing.T) {
	const money = `{"type":"record","name":"shop.Money","fields":[{"name":"cents","type":"long"}]}`
	const order = `{"type":"record","name":"shop.Order","fields":[{"name":"total","type":"shop.Money"}]}`
	text, _ := json.Marshal(order)
	f := &fake{answers: map[string]string{
		"/schemas/ids/9":                  `{"schema":` + string(text) + `,"references":[{"name":"shop.Money","subject":"shop.Money","version":2}]}`,
		"/subjects/shop.Money/versions/2": told(money),
	}}
	value := append(binary.BigEndian.AppendUint32([]byte{0}, 9), 0xc8, 0x01) // 100, in zigzag
	got, err := decoder(t, f).JSON(value)
	if err != nil || string(got) != `{"total":{"cents":100}}` {
		t.Errorf("got %s, %v", got, err)
	}
	f.answers["/schemas/ids/10"] = `{"schema":"{}","references":[{"subject":"loop","version":1}]}`
	f.answers["/subjects/loop/versions/1"] = `{"schema":"{}","references":[{"subject":"loop","version":1}]}`
	if _, err := decoder(t, f).JSON([]byte{0, 0, 0, 0, 10, 0}); err == nil || errors.Is(err, ErrAway) || !strings.Contains(err.Error(), "more than 64") {
		t.Errorf("a schema that refers to itself: %.200v", err)
	}
}

func TestWhatCannotBeReadIsSaidForGoodWithoutShowingIt(t *testing.T) {
	good := record(t, 7, payment, map[string]any{"id": "secret", "amount": 1.5, "hour": 1})
	f := &fake{answers: map[string]string{
		"/schemas/ids/7": told(payment), "/schemas/ids/8": `{"schema":"syntax","schemaType":"PROTOBUF"}`, "/schemas/ids/9": told(`{"type":"nothing"}`),
		"/schemas/ids/10": told(`{"type":"array","items":"null"}`), "/schemas/ids/11": told(`{"type":"record","name":"N","fields":[{"name":"next","type":["null","N"]}]}`),
	}}
	d := decoder(t, f)
	for _, tt := range []struct {
		name  string
		value []byte
		want  string
	}{
		{"nothing", nil, "shorter than the five bytes"},
		{"JSON", []byte(`{"id":"secret"}`), "does not begin with the zero"},
		{"an id that nobody knows", append([]byte{0, 0, 0, 1, 1}, "secret"...), "schema 257: the registry at http://"},
		{"another language", []byte{0, 0, 0, 0, 8, 1}, `it is "PROTOBUF", not Avro`},
		{"a schema that is none", []byte{0, 0, 0, 0, 9, 1}, "it is no Avro schema"},
		{"less than the schema says", good[:len(good)-3], "schema 7: the payload is not what its schema describes"},
		{"more than the schema says", append(good[:len(good):len(good)], "secret"...), "bytes behind the value"},
		{"a length of more than there is", append([]byte{0, 0, 0, 0, 7}, 0xfe, 0xff, 0xff, 0xff, 0x0f), "not what its schema describes"},
		{"a list of a billion nothings", append([]byte{0, 0, 0, 0, 10}, 0x80, 0xa8, 0xd6, 0xb9, 0x07, 0), "not what its schema describes"},
		{"a list without end", append([]byte{0, 0, 0, 0, 11}, []byte(strings.Repeat("\x02", 1<<20))...), "not what its schema describes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := d.JSON(tt.value)
			if err == nil || errors.Is(err, ErrAway) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestWhatIsNoRegistryIsAskedAgain(t *testing.T) {
	for name, body := range map[string]string{"a page": "<html>", "other JSON": `{"a":1}`, "a list": "[]"} {
		_, err := decoder(t, &fake{answers: map[string]string{"/schemas/ids/7": body}}).JSON([]byte{0, 0, 0, 0, 7, 0})
		if !errors.Is(err, ErrAway) || !strings.Contains(err.Error(), "mend registry.url") {
			t.Errorf("%s: %v", name, err)
		}
	}
	nobody := DefaultConfig()
	nobody.URL = "http://127.0.0.1:1"
	d, err := New(nobody)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.JSON([]byte{0, 0, 0, 0, 7, 0}); !errors.Is(err, ErrAway) {
		t.Errorf("nobody there: %v", err)
	}
}

func TestManyUnknownIDsAreNotAllRemembered(t *testing.T) {
	d := decoder(t, &fake{})
	for id := range maxAbsent + 10 {
		d.failed[uint32(id+1000)] = failure{errShort, time.Now().Add(time.Hour)}
	}
	_, _ = d.JSON([]byte{0, 0, 0, 0, 7, 0})
	if len(d.failed) > maxAbsent {
		t.Errorf("%d are remembered", len(d.failed))
	}
}

func TestAPasswordIsSent(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "key" || password != "s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, told(`"int"`))
	}))
	defer server.Close()
	c := DefaultConfig()
	c.URL, c.Username, c.Password = server.URL, "key", setting.NewSecret("s3cret")
	for _, right := range []bool{true, false} {
		if !right {
			c.Password = setting.NewSecret("wr0ng")
		}
		d, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.JSON([]byte{0, 0, 0, 0, 7, 2})
		if right && string(got) != "1" || !right && !errors.Is(err, ErrAway) || err != nil && strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("%v: %s, %v", right, got, err)
		}
	}
}

func TestValidateNamesPathValueAndRemedy(t *testing.T) {
	for want, edit := range map[string]func(*Config){
		"url: it is empty":         func(c *Config) { c.URL = "" },
		`url: "kafka:1" is not an`: func(c *Config) { c.URL = "kafka:1" },
		"url: it holds a user":     func(c *Config) { c.URL = "http://me:hidden@h" },
		"after ? or #":             func(c *Config) { c.URL = "http://h?x" },
		"username and password":    func(c *Config) { c.Username = "me" },
		"timeout: 0s is not more":  func(c *Config) { c.Timeout = 0 },
	} {
		c := DefaultConfig()
		c.URL = "http://127.0.0.1:8081"
		edit(&c)
		if ps := c.Validate(); len(ps) != 1 || !strings.Contains(ps[0].Error(), want) || strings.Contains(ps[0].Error(), "hidden") {
			t.Errorf("got %v, want %q", ps, want)
		}
	}
}

func FuzzARecord(f *testing.F) {
	schemas := []string{
		payment, `{"type":"array","items":{"type":"map","values":"bytes"}}`, `{"type":"record","name":"N","fields":[{"name":"next","type":["null","N"]}]}`,
		`{"type":"bytes","logicalType":"decimal","precision":40,"scale":2}`, `{"type":"fixed","name":"D","size":12,"logicalType":"duration"}`,
		`{"type":"long","logicalType":"timestamp-micros"}`, `{"type":"string","logicalType":"uuid"}`, `{"type":"array","items":"null"}`,
	}
	answers := map[string]string{}
	for i, s := range schemas {
		answers[fmt.Sprintf("/schemas/ids/%d", i)] = told(s)
		f.Add([]byte{0, 0, 0, 0, byte(i), 2, 'a', 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 2, 0})
	}
	d := decoder(f, &fake{answers: answers})
	f.Fuzz(func(t *testing.T, value []byte) {
		if got, err := d.JSON(value); err == nil && !json.Valid(got) {
			t.Errorf("%x became %s", value, got)
		}
	})
}
