package inference

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestAShadowGetsItsShareOfTheCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := service(t)
		shadow := &Variant{Name: "shadow", Weight: 0.5, Instances: instances(t, 1)}
		s.Publish("e", &Routing{Variants: []Variant{{Name: "v", Weight: 1, Instances: instances(t, 1), Shadow: shadow}}})
		for range 1000 {
			if w := invoke(s, "x"); w.Code != 200 || w.Body.String() != "x" {
				t.Fatalf("answered %d %s", w.Code, w.Body)
			}
		}
		synctest.Wait()
		var journal strings.Builder
		if err := s.Journal.Since(&journal, 0); err != nil {
			t.Fatal(err)
		}
		copies := strings.Count(journal.String(), `"text":"shadow"`)
		if copies < 430 || copies > 570 {
			t.Errorf("%d copies of 1000 calls, want about 500", copies)
		}
	})
}
