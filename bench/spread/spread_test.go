package spread

import "testing"

func TestAFigureIsItsMedianAndItsRange(t *testing.T) {
	for want, values := range map[string][]float64{
		"–":             nil,
		"1.5":           {1.5},
		"2.0 [1.0–3.0]": {3, 1, 2},
		"2.5 [1.0–4.0]": {4, 1, 2, 3},
	} {
		if got := Of("%.1f", values); got != want {
			t.Errorf("%v: %s, want %s", values, got, want)
		}
	}
}
