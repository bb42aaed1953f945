package event

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestPredictionReadsBackAsItWasWritten(t *testing.T) {
	at := time.UnixMicro(1_770_000_000_123_456).UTC()
	deadline := at.Add(250 * time.Millisecond)
	cases := map[string]Prediction{
		"with everything": {
			ID: "a-1", Key: "card \"7\"\n\x01é", Status: "ok", Prediction: json.RawMessage(`{"score":0.5}`),
			Model: ModelRef{"fraud", "fraud", "AllTraffic", "v1"}, Cache: "off", Batch: 1, Attempts: 2,
			EventTime: &at, Received: at, Deadline: &deadline, Late: true, Include: map[string]any{"a": "b"},
		},
		"with the least": {ID: "x", Status: "ok", Prediction: json.RawMessage(`1`), Cache: "off", Received: at},
	}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			var line Timeline
			line.Start(at)
			line.Mark(StageGateway, at.Add(120*time.Microsecond))
			line.Mark(StageModel, at.Add(1120*time.Microsecond))
			want.LatencyUS = 1120
			want.StagesUS = map[string]int64{"gateway": 120, "model": 1000}
			var got Prediction
			if err := json.Unmarshal(AppendPrediction(nil, &want, &line), &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestPredictionWithBytesThatAreNotTextIsStillJSON(t *testing.T) {
	var line Timeline
	value := AppendPrediction(nil, &Prediction{ID: "\xff\xfe", Prediction: json.RawMessage("null")}, &line)
	if !json.Valid(value) || !strings.Contains(string(value), "\ufffd") {
		t.Errorf("%s", value)
	}
}
