package injection

import (
	"math/rand/v2"
	"testing"

	"betimes/internal/lab/emulator/clock"
)

func TestAShareOfTheRequestsIsHit(t *testing.T) {
	b := New(clock.New(), 1)
	if err := b.Add(&Fault{Fault: Reset, Match: Match{Percent: 30}}); err != nil {
		t.Fatal(err)
	}
	hits := 0
	chance := rand.New(rand.NewPCG(1, 1))
	for range 10000 {
		if b.For(Where{Operation: "InvokeEndpoint", Chance: chance}) != nil {
			hits++
		}
	}
	if hits < 2700 || hits > 3300 {
		t.Errorf("%d of 10000 were hit, want about 3000", hits)
	}
}

func TestAFaultThatIsUsedUpLetsTheNextOneHit(t *testing.T) {
	b := New(clock.New(), 1)
	for _, f := range []*Fault{{Fault: Reset, Count: 1}, {Fault: Internal, Match: Match{Variant: "*"}}} {
		if err := b.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	if one, two := b.For(Where{Operation: Invoke}), b.For(Where{Operation: Invoke}); one.Fault != Reset || two.Fault != Internal {
		t.Errorf("hit %s, then %s", one.Fault, two.Fault)
	}
}

func TestRemovedFaultsLetGo(t *testing.T) {
	b := New(clock.New(), 1)
	f := &Fault{Fault: Stuck}
	if err := b.Add(f); err != nil {
		t.Fatal(err)
	}
	if b.Remove("f9") || !b.Remove(f.ID) || b.For(Where{Operation: Invoke}) != nil || len(b.List()) != 0 {
		t.Error("the fault is still there")
	}
	select {
	case <-f.Gone():
	default:
		t.Error("what is stuck stays so")
	}
}
