package loadgen

import (
	"math/rand/v2"
	"strconv"
	"time"

	"betimes/internal/lab/loadgen/payments"
)

const contentJSON = "application/json"

// unlabelled is the label of an event whose truth is not known.
const unlabelled = -1

// item is one event of a workload.
type item struct {
	number      int // of its id; a repeated event has the one of the first
	key         []byte
	body        []byte
	contentType string
	label       int8 // 0, 1 or unlabelled
	dirt        string
	offset      time.Duration // by its own time, from the first event; only of files
}

// workload makes events, one after the other; io.EOF ends it. at is when the
// event is to be sent.
type workload interface {
	next(at time.Time) (item, error)
	close()
}

// paymentLoad is the example problem.
type paymentLoad struct {
	generator *payments.Generator
	prefix    int // length of what is before the number in an id
}

func newPayments(c Config) *paymentLoad {
	prefix := c.Run + "-"
	return &paymentLoad{payments.NewGenerator(payments.Options{Seed: c.Seed, Prefix: prefix, Dirt: float64(c.Dirt)}), len(prefix)}
}

func (l *paymentLoad) next(at time.Time) (item, error) {
	p := l.generator.Next(at)
	number, err := strconv.Atoi(p.ID[l.prefix:])
	it := item{number: number, key: []byte(p.Card), body: p.AppendJSON(make([]byte, 0, 320)), contentType: contentJSON}
	if p.Fraud {
		it.label = 1
	}
	if p.Dirt != payments.Clean {
		it.dirt = p.Dirt.String()
	}
	return it, err
}

func (l *paymentLoad) close() {}

const (
	crayfishWidth = 784
	crayfishPool  = 64
)

// crayfishLoad is the benchmark Crayfish's: 784 numbers, some 8 KB of JSON. The
// numbers come from a small pool, so that making them is not what is measured.
type crayfishLoad struct {
	run    string
	number int
	pool   [crayfishPool][]byte
}

func newCrayfish(c Config) *crayfishLoad {
	l := &crayfishLoad{run: c.Run}
	random := rand.New(rand.NewPCG(c.Seed, 784))
	for i := range l.pool {
		b := []byte(`","features":[`)
		for j := range crayfishWidth {
			if j > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendFloat(b, random.Float64(), 'f', 7, 64)
		}
		l.pool[i] = append(b, "]}"...)
	}
	return l
}

func (l *crayfishLoad) next(time.Time) (item, error) {
	features := l.pool[l.number%crayfishPool]
	body := append(make([]byte, 0, len(features)+40), `{"id":"`...)
	body = appendID(body, l.run, l.number)
	it := item{number: l.number, body: append(body, features...), contentType: contentJSON, label: unlabelled}
	l.number++
	return it, nil
}

func (l *crayfishLoad) close() {}

// appendID appends <run>-<number>.
func appendID(b []byte, run string, number int) []byte {
	b = append(b, run...)
	b = append(b, '-')
	return strconv.AppendInt(b, int64(number), 10)
}
