package app

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"betimes/internal/event"
	"betimes/internal/flow/feature"
	"betimes/internal/model/modeltest"
)

// avroPayment is {"a":1,"b":2.5,"at":"x"} under schema 7.
func avroPayment() string {
	b := binary.BigEndian.AppendUint32([]byte{0}, 7)
	b = append(b, 2) // a: 1
	b = append(b, 0, 0, 0, 0, 0, 0, 4, 0x40)
	return string(append(b, 2, 'x'))
}

func TestAvroEventsAreMappedWaitForTheirSchemaAndEndWithAReason(t *testing.T) {
	var away atomic.Bool
	away.Store(true)
	schema, _ := json.Marshal(`{"type":"record","name":"P","fields":[{"name":"a","type":"int"},{"name":"b","type":"double"},{"name":"at","type":"string"}]}`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"schema":`+string(schema)+`}`)
	}))
	defer server.Close()
	file := `
kafka: {seeds: ["127.0.0.1:9092"], topics: {events: {value: avro, registry: {url: "` + server.URL + `"}}}}
models: {m: {rest: {url: "http://127.0.0.1:1/invocations"}, content_type: text/csv}}
flow: {feature: {fields: [a, b]}, stream: {from: earliest}}
`
	c := chainOf(t, file, &modeltest.Fake{})
	if ending := c.work(t.Context(), newTestEvent(avroPayment())); ending.Place != event.Unfinished || ending.Counted || ending.Stage != event.StageFeature {
		t.Errorf("while the registry is away: %+v", ending)
	}
	away.Store(false)
	fresh := chainOf(t, file, &modeltest.Fake{}) // it asks at once
	ending := fresh.work(t.Context(), newTestEvent(avroPayment()))
	if ending.Place != event.Predicted {
		t.Fatalf("%s: %v", ending.Place, ending.Err)
	}
	var p event.Prediction
	if err := json.Unmarshal(ending.Value, &p); err != nil || string(p.Prediction) != "[1,2.5]" {
		t.Errorf("the model was asked %s, %v", p.Prediction, err)
	}
	for _, value := range []string{"", `{"a":1}`, avroPayment()[:9], avroPayment() + "x"} {
		ending := fresh.work(t.Context(), newTestEvent(value))
		if ending.Place != event.DeadLetter || ending.Reason != event.ReasonUndecodable {
			t.Errorf("%q: %+v", value, ending)
		}
	}
}

func TestAnAvroPayloadIsSentAsJSONWhereNothingIsMapped(t *testing.T) {
	format := feature.Format{Value: feature.ValueAvro, Decoder: fixed(`{"a":1}`)}
	m, err := feature.New(feature.Config{}, format, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := m.Body(newTestEvent("binary"), nil); err != nil || string(body) != `{"a":1}` {
		t.Errorf("%s, %v", body, err)
	}
}

// fixed is a feature.Decoder that always says the same.
type fixed string

func (f fixed) JSON([]byte) ([]byte, error) { return []byte(f), nil }
