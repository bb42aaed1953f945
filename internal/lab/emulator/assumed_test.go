package emulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"betimes/internal/lab/emulator"
)

// assuming starts an emulator with other assumptions.
func assuming(t *testing.T, change func(*emulator.Config)) *box {
	t.Helper()
	config := emulator.DefaultConfig()
	config.Profile = "instant"
	change(&config)
	return startWith(t, config, t.TempDir())
}

func TestWhatAWSDoesNotStateIsAsTheFileAssumes(t *testing.T) {
	t.Run("the largest body", func(t *testing.T) {
		b := assuming(t, func(c *emulator.Config) { c.Assumed.MaxBody = 6 })
		b.deploy("echo", "builtin:echo", "", 1)
		for body, want := range map[string]int{"123456": 200, "1234567": 400} {
			if resp, said := b.do("POST", "/endpoints/echo/invocations", body); resp.StatusCode != want || want == 400 && !strings.Contains(said, "less than or equal to 6") {
				t.Errorf("%d bytes: answered %d %s", len(body), resp.StatusCode, said)
			}
		}
	})
	t.Run("model data that is not there", func(t *testing.T) {
		b := assuming(t, func(c *emulator.Config) { c.Assumed.CheckModelData = true })
		b.do("PUT", "/data", "")
		create := func(name, image string, more m) m {
			container := m{"Image": image}
			for k, v := range more {
				container[k] = v
			}
			return b.control("CreateModel", m{"ModelName": name, "PrimaryContainer": container})
		}
		if got := create("none", "builtin:xgboost", m{"ModelDataUrl": "s3://data/model"}); got["message"] != "Could not find model data at s3://data/model." {
			t.Errorf("answered %v", got)
		}
		b.do("PUT", "/data/model", "x")
		for name, more := range map[string]m{"there": {"ModelDataUrl": "s3://data/model"}, "without": nil, "many": {"ModelDataUrl": "s3://data/models/", "Mode": "MultiModel"}} {
			if got := create(name, "builtin:xgboost", more); got["ModelArn"] == nil {
				t.Errorf("%s: answered %v", name, got)
			}
		}
	})
	t.Run("the approval of a version", func(t *testing.T) {
		b := assuming(t, func(c *emulator.Config) { c.Assumed.PackageApproval = "Approved" })
		b.control("CreateModelPackageGroup", m{"ModelPackageGroupName": "g"})
		if got := b.control("DescribeModelPackage", m{"ModelPackageName": b.register("g", nil)}); got["ModelApprovalStatus"] != "Approved" {
			t.Errorf("described %v", got)
		}
	})
	t.Run("the calls under way per instance", func(t *testing.T) {
		b := assuming(t, func(c *emulator.Config) { c.Assumed.ThrottlePerInstance = 2 })
		b.deploy("echo", "builtin:echo", "", 2)
		id := b.fault(`{"fault":"stuck"}`)
		var under sync.WaitGroup
		for range 4 {
			under.Go(func() { b.do("POST", "/endpoints/echo/invocations", "x") })
		}
		for !strings.Contains(b.state(), `"in_flight":4`) {
			must(t, t.Context().Err())
		}
		if resp, _ := b.do("POST", "/endpoints/echo/invocations", "x"); resp.StatusCode != 400 || resp.Header.Get("X-Amzn-Errortype") != "ThrottlingException" {
			t.Errorf("the fifth call is answered %d", resp.StatusCode)
		}
		b.do("DELETE", "/_emu/faults/"+id, "")
		under.Wait()
	})
	t.Run("the asynchronous calls at once per instance", func(t *testing.T) {
		b := assuming(t, func(c *emulator.Config) { c.Assumed.AsyncConcurrency = 1 })
		url := b.async("builtin:echo", 1)
		id := b.fault(`{"fault":"stuck","count":1}`)
		b.ask("first")
		b.until("stuck")
		second, _ := b.ask("second")
		if resp, _ := b.do("GET", second, ""); resp.StatusCode != http.StatusNotFound {
			t.Errorf("the second is answered while the first runs: %d", resp.StatusCode)
		}
		b.do("DELETE", "/_emu/faults/"+id, "")
		b.ended(url)
		b.ended(url)
	})
}

func TestTimeIsScaled(t *testing.T) {
	b := assuming(t, func(c *emulator.Config) { c.Profile, c.TimeScale = "realistic", 1000 })
	b.config("fraud", "builtin:echo", "", 1)
	b.control("CreateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "fraud"})
	began := time.Now()
	b.await("fraud", "InService") // 3 to 7 minutes without
	if took := time.Since(began); took > 3*time.Minute {
		t.Errorf("took %s", took)
	}
}

func TestPrefixAwareRoutingAsksForItsLength(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.control("CreateModel", m{"ModelName": "echo", "PrimaryContainer": m{"Image": "builtin:echo"}})
	create := func(name string, routing m) m {
		return b.control("CreateEndpointConfig", m{"EndpointConfigName": name, "ProductionVariants": []m{{
			"VariantName": "v", "ModelName": "echo", "InitialInstanceCount": 4, "InstanceType": "ml.c5.large", "RoutingConfig": routing}}})
	}
	if got := create("none", m{"RoutingStrategy": "PREFIX_AWARE"}); !strings.Contains(fmt.Sprint(got["message"]), "Value null at 'productionVariants.1.member.routingConfig.prefixAwareRoutingConfig.prefixLength'") {
		t.Errorf("answered %v", got)
	}
	if got := create("prefix", m{"RoutingStrategy": "PREFIX_AWARE", "PrefixAwareRoutingConfig": m{"PrefixLength": 1024}}); got["EndpointConfigArn"] == nil {
		t.Fatal(got)
	}
	b.control("CreateEndpoint", m{"EndpointName": "prefix", "EndpointConfigName": "prefix"})
	b.await("prefix", "InService")
	const id = "X-Amzn-SageMaker-Prefix-Aware-Id"
	for i := range 20 {
		same := strings.Repeat(string(rune('a'+i)), 1024)
		b.do("POST", "/endpoints/prefix/invocations", same+"one")
		b.do("POST", "/endpoints/prefix/invocations", same+"two")
		b.do("POST", "/endpoints/prefix/invocations", "x"+same, id, same[:8])
		b.do("POST", "/endpoints/prefix/invocations", "y"+same, id, same[:8])
	}
	_, journal := b.do("GET", "/_emu/journal", "")
	var asked []string
	for line := range strings.Lines(journal) {
		if _, after, found := strings.Cut(line, `"instance":`); found && strings.Contains(line, `"kind":"request"`) {
			asked = append(asked, after[:1])
		}
	}
	if len(asked) != 80 {
		t.Fatalf("%d calls in the journal", len(asked))
	}
	seen := map[string]bool{}
	for i := 0; i < len(asked); i += 2 {
		if seen[asked[i]] = true; asked[i] != asked[i+1] {
			t.Errorf("pair %d went to instances %s and %s", i/2, asked[i], asked[i+1])
		}
	}
	if len(seen) < 3 {
		t.Errorf("all went to %v", seen)
	}
}
