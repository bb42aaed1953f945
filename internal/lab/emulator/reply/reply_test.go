package reply

import (
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"
)

func TestErrorsHaveTheMemberOfTheirKind(t *testing.T) {
	for _, c := range []struct {
		name string
		err  *Error
		body string
	}{
		{"validation has a small message", Validation("no %s", "good"), `{"__type":"ValidationException","message":"no good"}`},
		{"a modelled error has a capital Message", Modelled("ResourceInUse", "taken"), `{"Message":"taken","__type":"ResourceInUse"}`},
		{"an unknown operation is a 400", UnknownOperation("Fly"), `{"__type":"UnknownOperationException","message":"The operation \"Fly\" is not known to this emulator."}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			c.err.Write(w)
			if w.Code != 400 || w.Body.String() != c.body || w.Header().Get("Content-Type") != "application/x-amz-json-1.1" {
				t.Errorf("wrote %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestTimesAreEpochSeconds(t *testing.T) {
	at := At(time.UnixMilli(1732557600123))
	text, err := json.Marshal(at)
	if err != nil || string(text) != "1732557600.123" {
		t.Fatalf("%s, %v", text, err)
	}
	var back Time
	if err := json.Unmarshal(text, &back); err != nil || !back.Equal(at.Time) {
		t.Errorf("back %v, %v", back, err)
	}
}

func TestATimeComesBackToTheMillisecond(t *testing.T) {
	for ms := range int64(1000) {
		at := At(time.UnixMilli(1795646319000 + ms))
		text, err := json.Marshal(at)
		if err != nil {
			t.Fatal(err)
		}
		var back Time
		if err := json.Unmarshal(text, &back); err != nil || !back.Equal(at.Time) {
			t.Fatalf("%s came back as %v, %v", text, back.UnixMilli(), err)
		}
	}
}

func TestIDsAreUUIDs(t *testing.T) {
	if id := ID(); !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) || id == ID() {
		t.Errorf("id %s", id)
	}
}
