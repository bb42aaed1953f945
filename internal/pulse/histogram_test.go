package pulse

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func durations(t *rapid.T, name string) []time.Duration {
	us := rapid.SliceOfN(rapid.Int64Range(0, 1<<36), 0, 200).Draw(t, name)
	out := make([]time.Duration, len(us))
	for i, n := range us {
		out[i] = time.Duration(n) * time.Microsecond
	}
	return out
}

func recorded(ds []time.Duration) *Recorder {
	var r Recorder
	for _, d := range ds {
		r.Record(d)
	}
	return &r
}

func TestAQuantileIsWithinABucketsWidthOfTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds := durations(t, "durations")
		if len(ds) == 0 {
			return
		}
		h := recorded(ds).Snapshot()
		slices.Sort(ds)
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		truth := ds[min(int(q*float64(len(ds))), len(ds)-1)]
		got := h.Quantile(q)
		if got < truth || float64(got) > float64(truth)*1.033+float64(time.Microsecond) {
			t.Fatalf("quantile %v is %v, the truth %v", q, got, truth)
		}
	})
}

func TestTwoHistogramsMergeAndPartExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := durations(t, "a"), durations(t, "b")
		both := recorded(append(slices.Clone(a), b...)).Snapshot()
		ha, hb := recorded(a).Snapshot(), recorded(b).Snapshot()
		sum := ha.Plus(hb)
		if !slices.Equal(sum.Buckets, both.Buckets) || !slices.Equal(sum.Counts, both.Counts) || sum.SumUS != both.SumUS || sum.MaxUS != both.MaxUS {
			t.Fatalf("%+v plus %+v is %+v, want %+v", ha, hb, sum, both)
		}
		rest := both.Minus(ha)
		if !slices.Equal(rest.Counts, hb.Counts) || rest.Count() != int64(len(b)) || !rest.Valid() {
			t.Fatalf("what was added since is %+v, want %+v", rest, hb)
		}
	})
}

func TestABucketHoldsItsUpperEndAndNothingMore(t *testing.T) {
	for bucket := range NumBuckets - 1 {
		upper := Upper(bucket)
		if Bucket(upper) != bucket || Bucket(upper+time.Microsecond) != bucket+1 {
			t.Fatalf("bucket %d ends at %v, which is in %d; the next is in %d", bucket, upper, Bucket(upper), Bucket(upper+time.Microsecond))
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"role":"stream","need_us":{"model":-1},"models":[{"name":"a","admit":{"decisions":{"pass":3}},"batch":{"sizes":[1,2],"lanes":[{"waiting":3}]}}]}`))
	f.Add([]byte(`{"role":"stream","stages":{"event":{"b":[1,2],"n":[3,4],"sum":9,"max":5}}}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		p, err := Decode(value)
		if err != nil {
			return
		}
		for _, h := range p.Stages {
			if h.Valid() {
				h.Quantile(0.99)
				h.Minus(h.Plus(h))
			}
		}
		if _, err := p.Encode(); err != nil {
			t.Error(err)
		}
	})
}
