package feature

import (
	"encoding/json"
	"strings"
	"testing"

	"betimes/internal/event"
)

func TestIncludeCopiesPartsOfTheEvent(t *testing.T) {
	i, err := NewInclude([]string{"/amount", "/obj/a", "/list/1", "/none"})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(i.Of(open(t, payment, Format{})))
	if want := `{"amount":12.5,"list/1":2,"obj/a":"x"}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := i.Of(open(t, &event.Event{Value: []byte("not JSON")}, Format{})); got != nil {
		t.Errorf("of what is not JSON: %v", got)
	}
	if got := i.Of(open(t, payment, Format{Value: ValueText})); got != nil {
		t.Errorf("of text: %v", got)
	}
	for _, bad := range []string{"", "amount"} {
		if _, err := NewInclude([]string{"/a", bad}); err == nil || !strings.HasPrefix(err.Error(), "kafka.topics.predictions.include.1: ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
