package letters

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/privacy"
)

func TestLettersAreFoundByWhatIsKnownOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.letter("one", "a", "1")
		time.Sleep(time.Hour)
		at := c.letter("four", "b", "2", header(event.HeaderReason, "feature"))
		time.Sleep(time.Hour)
		c.letter("three", "a", "3")
		cases := map[string]struct {
			filter Filter
			want   string
		}{
			"all, newest first":      {Filter{}, "three four one "},
			"oldest first":           {Filter{Oldest: true}, "one four three "},
			"a limit":                {Filter{Limit: 2}, "three four "},
			"a limit of the oldest":  {Filter{Limit: 1, Oldest: true}, "one "},
			"by reason":              {Filter{Reason: "feature"}, "four "},
			"by key":                 {Filter{Key: []byte("a")}, "three one "},
			"by id":                  {Filter{IDs: []string{"one", "three"}}, "three one "},
			"by place":               {Filter{IDs: []string{at.String()}}, "four "},
			"since":                  {Filter{Since: time.Now().Add(-time.Hour)}, "three four "},
			"nothing holds for both": {Filter{Key: []byte("a"), Reason: "feature"}, ""},
		}
		for name, one := range cases {
			if got := ids(find(t, c, one.filter)); got != one.want {
				t.Errorf("%s: %q, want %q", name, got, one.want)
			}
		}
		found := find(t, c, Filter{Limit: 1})
		if found.Matched != 3 || found.Open != 3 || found.Reasons["model_input"] != 2 {
			t.Errorf("counted %+v", found)
		}
	})
}

func TestCopiesOfOneEndingAreOneLetter(t *testing.T) {
	c := newCluster()
	first := c.letter("one", "a", "1")
	c.letter("one", "a", "1")
	c.letter("one", "a", "1", header(event.HeaderSource, "events:1:99")) // another round of it
	found := find(t, c, Filter{Oldest: true})
	if len(found.Letters) != 2 || found.Letters[0].At != first || len(found.Letters[0].Copies) != 1 {
		t.Fatalf("found %+v", found.Letters)
	}
	if _, err := c.box().Drop(t.Context(), found.Letters[:1]); err != nil {
		t.Fatal(err)
	}
	if found = find(t, c, Filter{}); ids(found) != "one " || found.Handled != 1 || found.Letters[0].Source.Offset != 99 {
		t.Errorf("found %+v", found)
	}
}

func TestANoteSaysNothingOfATopicMadeAnew(t *testing.T) {
	c := newCluster()
	c.letter("old", "a", "1")
	if _, err := c.box().Drop(t.Context(), find(t, c, Filter{}).Letters); err != nil {
		t.Fatal(err)
	}
	delete(c.log, kafka.Partition{Topic: "dead-letters", Number: 1})
	c.letter("new", "a", "1")
	if got := ids(find(t, c, Filter{})); got != "new " {
		t.Errorf("found %q", got)
	}
}

func TestNotesOfWhatRetentionRemovedAreTakenBack(t *testing.T) {
	c := newCluster()
	for _, id := range []string{"a", "bb", "ccc"} {
		c.letter(id, "k", "1")
	}
	if _, err := c.box().Drop(t.Context(), find(t, c, Filter{IDs: []string{"a", "bb"}}).Letters); err != nil {
		t.Fatal(err)
	}
	c.start[kafka.Partition{Topic: "dead-letters", Number: 1}] = 1
	synctest.Test(t, func(t *testing.T) {
		if _, err := c.box().Drop(t.Context(), find(t, c, Filter{}).Letters); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	})
	notes, err := c.box().notes(t.Context())
	if err != nil || len(notes) != 2 || notes[event.Source{Topic: "dead-letters", Partition: 1}] != nil {
		t.Errorf("notes %v, %v", notes, err)
	}
}

func TestALetterIsShownAsFarAsPrivacyAllows(t *testing.T) {
	c := newCluster()
	c.letter("pay-1", "card\x1b[2J7", `{"pan":4929}`, header(event.HeaderError, "bad\x1b[31m"))
	l := find(t, c, Filter{}).Letters[0]
	e, err := c.box().Read(t.Context(), &l)
	if err != nil {
		t.Fatal(err)
	}
	for show, want := range map[privacy.Show][2]string{
		privacy.None:     {"(4 bytes)", "(12 bytes)"},
		privacy.Keys:     {"(4 bytes)", "(12 bytes)"},
		privacy.Payloads: {"blue", `{"pan":4929}`},
	} {
		p := privacy.Policy{Show: show}
		var text bytes.Buffer
		v := NewView(&l, p).With(e, p)
		if err := v.WriteText(&text, time.Now()); err != nil {
			t.Fatal(err)
		}
		if v.Payload != want[1] || v.Headers[0] != (HeaderView{"tenant", want[0]}) || v.Headers[1].Value != "application/json" || len(v.Headers) != 2 {
			t.Errorf("%s: %+v", show, v)
		}
		if strings.Contains(text.String(), "\x1b") || strings.Contains(text.String(), "card") == (show == privacy.None) {
			t.Errorf("%s: text %q", show, text.String())
		}
		if !strings.Contains(text.String(), "again until 1.5s later") {
			t.Errorf("no span of failures:\n%s", text.String())
		}
		if _, err := json.Marshal(v); err != nil {
			t.Error(err)
		}
	}
}
