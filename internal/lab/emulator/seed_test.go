package emulator_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"betimes/internal/lab/emulator"
)

// chancy starts an emulator whose endpoint leaves to chance all that can be: two
// variants, instances at random, service times, a shadow and faults that hit a share.
func chancy(t *testing.T, seed int64) *box {
	t.Helper()
	config := emulator.DefaultConfig()
	config.Profile, config.Seed = "instant", seed
	b := startWith(t, config, t.TempDir())
	var variants []m
	for name, weight := range map[string]float64{"a": 3, "b": 1} {
		b.control("CreateModel", m{"ModelName": name, "PrimaryContainer": m{"Image": "builtin:profile?p50=50us&p99=900us"}})
		variants = append(variants, m{"VariantName": name, "ModelName": name, "InitialInstanceCount": 3, "InstanceType": "ml.c5.xlarge", "InitialVariantWeight": weight,
			"RoutingConfig": m{"RoutingStrategy": "RANDOM"}})
	}
	slices.SortFunc(variants, func(x, y m) int { return strings.Compare(x["VariantName"].(string), y["VariantName"].(string)) })
	b.control("CreateEndpointConfig", m{"EndpointConfigName": "shop", "ProductionVariants": variants})
	b.control("CreateEndpoint", m{"EndpointName": "shop", "EndpointConfigName": "shop"})
	b.control("DescribeEndpoint", m{"EndpointName": "shop"})
	for _, fault := range []string{
		`{"fault":"throttle","match":{"percent":10}}`, `{"fault":"model_error","match":{"variant":"a","percent":10}}`, `{"fault":"latency","times":3,"add":"1ms","match":{"instance":2,"percent":40}}`,
	} {
		b.fault(fault)
	}
	return b
}

// told is the journal without what the machine's clock decides, in the order of the requests.
func (b *box) told() []string {
	b.t.Helper()
	_, journal := b.do("GET", "/_emu/journal", "")
	all := map[float64]string{}
	for line := range strings.Lines(journal) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			b.t.Fatal(err)
		}
		number, ok := e["n"].(float64)
		if !ok {
			continue
		}
		for _, measured := range []string{"seq", "time", "us"} {
			delete(e, measured)
		}
		all[number] += fmt.Sprintln(e)
	}
	var lines []string
	for _, n := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, all[n])
	}
	return lines
}

func (b *box) shop(calls int) {
	for range calls {
		b.do("POST", "/endpoints/shop/invocations", "1,2", "Content-Type", "text/csv")
	}
}

func TestTheSameSeedAndRequestsHaveTheSameOutcomesAndServiceTimes(t *testing.T) {
	const calls = 200
	run := func(seed int64) []string {
		b := chancy(t, seed)
		b.shop(calls)
		return b.told()
	}
	first, again, other := run(7), run(7), run(8)
	if len(first) != calls || !slices.Equal(first, again) {
		t.Errorf("%d and %d requests told; they differ", len(first), len(again))
	}
	if slices.Equal(first, other) {
		t.Error("another seed had the same outcomes")
	}
	text := strings.Join(first, "")
	for _, want := range []string{"scripted_us:", "variant:a", "variant:b", "instance:3", "ThrottlingException", "ModelError", "text:latency"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

func TestRequestsThatOverlapHaveTheOutcomesOfTheirNumbers(t *testing.T) {
	const calls, callers = 200, 4
	alone := chancy(t, 7)
	alone.shop(calls)
	b := chancy(t, 7)
	var all sync.WaitGroup
	for range callers {
		all.Go(func() { b.shop(calls / callers) })
	}
	all.Wait()
	if !slices.Equal(alone.told(), b.told()) {
		t.Error("the outcomes differ")
	}
}

func TestAnEmulatorTellsItsSeed(t *testing.T) {
	seed := func(b *box) float64 {
		_, state := b.do("GET", "/_emu/state", "")
		var got struct{ Seed float64 }
		if err := json.Unmarshal([]byte(state), &got); err != nil {
			t.Fatal(err)
		}
		return got.Seed
	}
	if got := seed(chancy(t, 7)); got != 7 {
		t.Errorf("seed %g", got)
	}
	one, two := seed(start(t, "instant", t.TempDir())), seed(start(t, "instant", t.TempDir()))
	if one == 0 || one == two {
		t.Errorf("without a seed: %g, then %g", one, two)
	}
}
