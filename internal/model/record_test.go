package model

import "testing"

func TestAnAnswerThatSaysAnErrorInsteadOfAPrediction(t *testing.T) {
	for answer, want := range map[string]string{
		`{"predictions":[{"error":"column 3 is no number"}]}`: "column 3 is no number",
		`[{"error":"two\nlines"}]`:                            "two lines",
		`{"error":"alone","rows":[1]}`:                        "alone",
		`{"predictions":[{"error":"a"},{"error":"b"}]}`:       "",
		`{"predictions":[{"error":""}]}`:                      "",
		`{"predictions":[{"error":null,"score":1}]}`:          "",
		`{"predictions":[{"error":0.25}]}`:                    "",
		`{"predictions":["error"]}`:                           "",
		`"error"`:                                             "",
		`0.5`:                                                 "",
	} {
		if got := RecordError([]byte(answer), "error"); got != want {
			t.Errorf("%s says %q", answer, got)
		}
		if got := RecordError([]byte(answer), ""); got != "" {
			t.Errorf("%s without a member says %q", answer, got)
		}
	}
	if got := RecordError([]byte(`{"predictions":[{"why":"x","error":"y"}]}`), "why"); got != "x" {
		t.Errorf("another member says %q", got)
	}
}
