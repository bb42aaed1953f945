package pointer

import (
	"testing"
	"time"

	"github.com/valyala/fastjson"
)

func TestTimeReadsWhatPeopleSend(t *testing.T) {
	want := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	cases := map[string]struct {
		json string
		want time.Time
	}{
		"RFC 3339":                     {`"2026-01-31T12:00:00Z"`, want},
		"RFC 3339 of another zone":     {`"2026-01-31T13:00:00+01:00"`, want},
		"Unix seconds":                 {`1769860800`, want},
		"Unix seconds as text":         {`"1769860800"`, want},
		"Unix milliseconds":            {`1769860800000`, want},
		"Unix microseconds":            {`1769860800000000`, want},
		"nanoseconds are not believed": {`1769860800000000000`, time.Time{}},
		"a word":                       {`"yesterday"`, time.Time{}},
		"nothing":                      {`null`, time.Time{}},
		"before 1970":                  {`-5`, time.Time{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Time(fastjson.MustParse(c.json)); !got.Equal(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
