package injection

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"betimes/internal/lab/emulator/clock"
)

// FuzzFault takes any fault and any body: it is refused, or it can be asked for every operation.
func FuzzFault(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"fault":"throttle","match":{"body":{"pointer":"/a/0/~1b","equals":[1,{"x":null}]}}}`, `{"a":[{"/b":[1,{"x":null}]}]}`},
		{`{"fault":"internal","match":{"body":{"pointer":"","equals":1e400}}}`, `1e400`},
		{`{"fault":"stuck","match":{"body":{"contains":"x"},"percent":50},"for":"1h"}`, "x"},
	} {
		f.Add(seed[0], []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, text string, body []byte) {
		b := New(clock.New(), 1)
		b.Storage = []string{"GetObject"}
		var fault Fault
		if json.Unmarshal([]byte(text), &fault) != nil || b.Add(&fault) != nil {
			return
		}
		chance := rand.New(rand.NewPCG(1, 1))
		for _, operation := range []string{Invoke, InvokeAsync, Stream, publish, update} {
			w := Where{Operation: operation, Body: body, Chance: chance}
			b.For(w)
			b.Of(w, names()...)
		}
		if _, err := json.Marshal(b.List()); err != nil {
			t.Error(err)
		}
	})
}
