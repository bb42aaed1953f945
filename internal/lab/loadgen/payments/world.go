package payments

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
)

const (
	// Cards is how many card tokens there are.
	Cards = 10_000
	// zipf is the exponent of the cards' popularity: the hottest of 10,000
	// makes 3.7 % of the payments.
	zipf      = 0.8
	merchants = 500
	// spread maps a card's popularity rank to its number, so that the hot
	// ones do not all have low numbers. It has no factor in common with Cards.
	spread = 7919
)

// country is where a payment happens.
type country struct {
	code, currency string
	risk           float64
	weight         float64 // share of the cards at home there, unnormalised
}

var countries = [...]country{
	{"DE", "EUR", 0.04, 20}, {"FR", "EUR", 0.06, 15}, {"NL", "EUR", 0.05, 8}, {"ES", "EUR", 0.09, 9}, {"IT", "EUR", 0.10, 9},
	{"AT", "EUR", 0.04, 4}, {"BE", "EUR", 0.06, 4}, {"PL", "EUR", 0.12, 6}, {"PT", "EUR", 0.08, 3}, {"FI", "EUR", 0.03, 3},
	{"GB", "GBP", 0.11, 8}, {"CH", "CHF", 0.03, 4}, {"US", "USD", 0.18, 10}, {"CA", "USD", 0.09, 2}, {"BR", "USD", 0.46, 2},
	{"MX", "USD", 0.38, 2}, {"RO", "EUR", 0.31, 2}, {"BG", "EUR", 0.33, 2}, {"TR", "EUR", 0.42, 2}, {"ZA", "USD", 0.52, 1},
	{"ID", "USD", 0.58, 1}, {"PH", "USD", 0.66, 1}, {"VN", "USD", 0.55, 1}, {"UA", "EUR", 0.49, 1},
}

// merchant is who gets the money.
type merchant struct {
	id     string
	risk   float64
	median float64 // of the amounts spent there
}

// kinds of merchant: share, median amount, and the risk around which theirs lie.
var kinds = [...]struct {
	share        int
	median, risk float64
}{{40, 24, 0.03}, {25, 38, 0.07}, {15, 62, 0.12}, {12, 140, 0.25}, {8, 90, 0.55}}

// world is what does not depend on the seed: who there is.
type world struct {
	merchants  [merchants]merchant
	popularity [Cards]float64          // cumulative, by rank
	homes      [len(countries)]float64 // cumulative
}

func newWorld() *world {
	w := &world{}
	random := rand.New(rand.NewPCG(20, 26))
	for i := range w.merchants {
		w.merchants[i] = newMerchant(i, random)
	}
	sum := 0.0
	for rank := range w.popularity {
		sum += math.Pow(float64(rank+1), -zipf)
		w.popularity[rank] = sum
	}
	sum = 0
	for i, c := range countries {
		sum += c.weight
		w.homes[i] = sum
	}
	return w
}

func newMerchant(i int, random *rand.Rand) merchant {
	share := i * 100 / merchants
	for _, k := range kinds {
		if share -= k.share; share < 0 {
			risk := min(k.risk*(0.5+random.Float64()), 0.95)
			return merchant{id: fmt.Sprintf("m-%03d", i), risk: round(risk, 1000), median: k.median}
		}
	}
	return merchant{}
}

// pick draws an index from cumulative weights.
func pick(cumulative []float64, random *rand.Rand) int {
	x := random.Float64() * cumulative[len(cumulative)-1]
	return min(sort.SearchFloat64s(cumulative, x), len(cumulative)-1)
}

// home is the country of a card: the same for every seed.
func (w *world) home(card int) int {
	random := rand.New(rand.NewPCG(uint64(card), 77))
	return pick(w.homes[:], random)
}

func round(x, per float64) float64 { return math.Round(x*per) / per }
