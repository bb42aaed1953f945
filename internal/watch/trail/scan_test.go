package trail

import (
	"bytes"
	"fmt"
	"testing"

	"betimes/internal/event"
)

func TestAScanFindsEventsByKeyByConditionAndTheSlowest(t *testing.T) {
	c := newCluster()
	fill(c, 40)
	c.bury("z", c.accept("z"))
	for i, us := range []int{30, 90, 60} {
		value := fmt.Sprintf(`{"received":"2023-11-14T22:13:20Z","latency_us":%d,"stages_us":{"model":%d}}`, us*1000, us*1000)
		c.write("predictions", &event.Event{Value: []byte(value), Headers: endingOf(fmt.Sprintf("slow%d", i), event.Source{})})
	}
	for name, test := range map[string]struct {
		filter Filter
		want   []string
	}{
		"by key":                    {Filter{Key: []byte("key of e4")}, []string{"e4 predicted"}},
		"by key that ended badly":   {Filter{Key: []byte("key of z")}, []string{"z dead_letter"}},
		"by id":                     {Filter{ID: "e3"}, []string{"e3 unfinished"}},
		"the newest that match":     {Filter{Limit: 3, Where: func(e *event.Event) bool { return bytes.Contains(e.Value, []byte("e1")) }}, []string{"e19 unfinished", "e18 predicted", "e17 unfinished"}},
		"the slowest":               {Filter{Slowest: true, Limit: 2}, []string{"slow1 predicted", "slow2 predicted"}},
		"only since a moment":       {Filter{Since: began.Add(1e9 * 39), Limit: 5}, []string{"z dead_letter", "e39 unfinished"}},
		"nothing when none matches": {Filter{Key: []byte("nobody")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := Scan(t.Context(), c, topics, test.filter)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range found {
				got = append(got, w.ID+" "+w.Place.String())
			}
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}
