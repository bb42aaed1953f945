package fleet

import (
	"bytes"
	"encoding/hex"
	"io"
	"strings"
	"testing"

	"betimes/internal/lab/learn"
)

func TestRecordIOIsAnsweredInRecordIO(t *testing.T) {
	data := strings.Repeat("0,1,10\n1,2,20\n", 20)
	table, err := learn.ReadCSV(strings.NewReader(data), "text/csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, algorithm := range []string{learn.XGBoost, learn.LinearLearner} {
		hyper := map[string]string{"num_round": "2"}
		if algorithm == learn.LinearLearner {
			hyper = map[string]string{"predictor_type": "binary_classifier"}
		}
		model, err := learn.Train(t.Context(), algorithm, hyper, table, nil, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		linear := algorithm == learn.LinearLearner
		body, _ := hex.DecodeString("0a23d7ce180000000a160a0676616c756573120c120a0a080000c03f00008041") // 1.5, 16
		answer, err := newScorer(model, linear, 1).Invoke(t.Context(), &Call{ContentType: recordIO, Accept: recordIO, Body: body})
		if err != nil || answer.Status != 200 || answer.ContentType != recordIO || !bytes.Contains(answer.Body, []byte("score")) {
			t.Errorf("%s: %d %s %q, %v", algorithm, answer.Status, answer.ContentType, answer.Body, err)
		}
		if got := bytes.Contains(answer.Body, []byte("predicted_label")); got != linear {
			t.Errorf("%s: a label is %v", algorithm, got)
		}
		if answer, _ := newScorer(model, linear, 1).Invoke(t.Context(), &Call{ContentType: recordIO, Body: []byte("1,2")}); answer.Status != 415 {
			t.Errorf("%s: what is no record is answered with %d", algorithm, answer.Status)
		}
	}
}
