package balance

import "time"

// crowd learns at how many calls under way an endpoint begins to queue: by how long
// calls took that began as the first, the second, … of those under way.
type crowd [crowdMost]struct {
	mean  float64 // nanoseconds
	count int
}

const (
	crowdMost  = 32
	crowdFew   = 4
	crowdSure  = 16   // calls that make a mean
	crowdSpan  = 64   // calls in a mean, about
	crowdSlows = 1.15 // times the shortest mean: they wait for each other
)

// note takes in a call that began as the n-th under way.
func (c *crowd) note(took time.Duration, n int) {
	one := &c[min(max(n, 1), crowdMost)-1]
	if one.count >= crowdFew { // what stalls once in a hundred times says nothing here
		took = min(took, 2*time.Duration(one.mean))
	}
	one.count = min(one.count+1, crowdSpan)
	one.mean += (float64(took) - one.mean) / float64(one.count)
}

// most is how many calls do not wait for each other; 0: not known, no more were ever
// under way.
func (c *crowd) most() int {
	least := 0.0
	for _, one := range c {
		if one.count >= crowdSure && (least == 0 || one.mean < least) {
			least = one.mean
		}
	}
	for i, one := range c {
		if one.count >= crowdSure && one.mean > crowdSlows*least && i > 0 {
			return i
		}
	}
	return 0
}

// used is the part of what the endpoints can do that is used, as far as it is known.
func (k *chooser) used(now time.Time) float64 {
	under, most := 0, 0
	for _, e := range k.endpoints {
		if !e.standing.in() {
			continue
		}
		under += e.underWay
		takes := e.limit.at(now)
		if n := e.crowd.most(); n > 0 {
			takes = min(takes, n)
		}
		most += takes
	}
	return float64(under) / float64(max(most, 1))
}
