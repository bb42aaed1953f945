package payments

import (
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// Options say which payments a Generator makes.
type Options struct {
	Seed   uint64
	Prefix string  // of every id; "" is pay-<seed>-. Two runs need two, or the second's events are repeats
	Dirt   float64 // share of the payments that get one kind of dirt, 0 to 1
}

// Payment is one payment, as it is and not as dirt makes it look.
type Payment struct {
	ID           string
	Card         string
	Amount       float64
	Currency     string
	Country      string
	Merchant     string
	Hour         int // 0 to 23, where the merchant is
	CountryRisk  float64
	MerchantRisk float64
	At           time.Time // event time

	Fraud bool
	Dirt  Dirt

	missing int // which field dirt takes away
	late    time.Duration
}

// theft is a stolen card that will be used again.
type theft struct {
	card int
	left int    // uses left
	next uint64 // index of the payment that is its next use
}

const (
	theftShare   = 0.003 // of the payments begin one, with a tiny payment
	theftIsFraud = 0.85
	tinyShare    = 0.03 // of the honest payments are tiny as well
	awayShare    = 0.12 // of the payments happen outside the card's country
)

// Generator makes payments one after the other.
type Generator struct {
	options Options
	world   *world
	random  *rand.Rand
	dirt    *rand.Rand // its own, so that dirt does not change the payments below it
	index   uint64
	thefts  []theft
	last    Payment // what a duplicate repeats
	homes   [Cards]uint8
}

// NewGenerator starts at the first payment.
func NewGenerator(o Options) *Generator {
	if o.Prefix == "" {
		o.Prefix = "pay-" + strconv.FormatUint(o.Seed, 10) + "-"
	}
	g := &Generator{
		options: o, world: newWorld(),
		random: rand.New(rand.NewPCG(o.Seed, 0xbe71)), dirt: rand.New(rand.NewPCG(o.Seed, 0xd127)),
	}
	for card := range g.homes {
		g.homes[card] = uint8(g.world.home(card))
	}
	return g
}

// Next makes the next payment, which happens at at.
func (g *Generator) Next(at time.Time) Payment {
	p := Payment{}
	if g.options.Dirt > 0 && g.dirt.Float64() < g.options.Dirt {
		p = g.soiled(at)
	} else {
		p = g.clean(at)
	}
	g.last = p
	return p
}

// clean makes a payment without dirt.
func (g *Generator) clean(at time.Time) Payment {
	var p Payment
	switch use := g.dueTheft(); {
	case use != nil:
		p = g.stolen(use)
	case g.random.Float64() < theftShare:
		p = g.tried()
	default:
		p = g.honest()
	}
	p.ID = g.options.Prefix + strconv.FormatUint(g.index, 10)
	p.At = at
	g.index++
	return p
}

// dueTheft gives the theft whose next use is now.
func (g *Generator) dueTheft() *theft {
	for i := range g.thefts {
		if g.thefts[i].next <= g.index {
			return &g.thefts[i]
		}
	}
	return nil
}

// stolen is a use of a stolen card: it looks like any payment.
func (g *Generator) stolen(t *theft) Payment {
	p := g.at(t.card)
	p.Fraud = g.random.Float64() < theftIsFraud
	t.left--
	t.next = g.index + g.gap()
	if t.left == 0 {
		*t = g.thefts[len(g.thefts)-1]
		g.thefts = g.thefts[:len(g.thefts)-1]
	}
	return p
}

// tried is the tiny payment by which a thief tries a card.
func (g *Generator) tried() Payment {
	card := g.random.IntN(Cards)
	g.thefts = append(g.thefts, theft{card: card, left: 2 + g.random.IntN(4), next: g.index + g.gap()})
	p := g.at(card)
	p.Amount = g.tiny()
	p.Fraud = g.random.Float64() < risk(&p)
	return p
}

// gap is how many payments of all cards lie between two uses of a stolen one.
func (g *Generator) gap() uint64 { return 10 + g.random.Uint64N(200) }

func (g *Generator) tiny() float64 { return round(0.5+1.5*g.random.Float64(), 100) }

// honest is a payment by a card's owner, or a fraud of another kind.
func (g *Generator) honest() Payment {
	rank := pick(g.world.popularity[:], g.random)
	p := g.at(rank * spread % Cards)
	if g.random.Float64() < tinyShare {
		p.Amount = g.tiny()
	}
	p.Fraud = g.random.Float64() < risk(&p)
	return p
}

// at makes a payment of a card without label: where, when, how much.
func (g *Generator) at(card int) Payment {
	where := int(g.homes[card])
	if g.random.Float64() < awayShare {
		where = g.random.IntN(len(countries))
	}
	c, m := countries[where], &g.world.merchants[g.random.IntN(merchants)]
	return Payment{
		Card: cardToken(card), Currency: c.currency, Country: c.code, CountryRisk: c.risk,
		Merchant: m.id, MerchantRisk: m.risk, Hour: g.hour(),
		Amount: max(round(m.median*math.Exp(g.random.NormFloat64()), 100), 0.5),
	}
}

func cardToken(card int) string {
	digits := strconv.Itoa(card)
	return "card-" + "00000"[len(digits):] + digits
}

// hour draws an hour: by day more than by night.
func (g *Generator) hour() int {
	if g.random.Float64() < 0.12 {
		return g.random.IntN(6)
	}
	return 6 + g.random.IntN(18)
}

// risk is the probability that a payment is fraud, seen alone.
func risk(p *Payment) float64 {
	z := -7.2 + 1.1*math.Log(p.Amount/35) + 5*p.CountryRisk + 5*p.MerchantRisk
	if p.Hour < 6 {
		z += 1.5
		if p.Amount > 150 {
			z += 1.2
		}
	}
	return 1 / (1 + math.Exp(-z))
}
