package control_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// act does one thing that a user might, with a random name of few.
func (p *plane) act(random *rand.Rand) {
	name := []string{"a", "b"}[random.IntN(2)]
	config := []string{"old", "new", "sick"}[random.IntN(3)]
	policy := []m{
		nil, blueGreen("CANARY", m{"CanarySize": percent(50)}), blueGreen("LINEAR", m{"LinearStepSize": percent(50)}),
		{"RollingUpdatePolicy": m{"MaximumBatchSize": instances(1), "WaitIntervalInSeconds": 60}},
	}[random.IntN(4)]
	switch random.IntN(8) {
	case 0, 1:
		p.call("CreateEndpoint", m{"EndpointName": name, "EndpointConfigName": config, "Tags": []m{{"Key": "k", "Value": "v"}}})
	case 2, 3, 4:
		p.call("UpdateEndpoint", m{"EndpointName": name, "EndpointConfigName": config, "DeploymentConfig": policy, "RetainAllVariantProperties": random.IntN(2) == 0})
	case 5:
		p.call("UpdateEndpointWeightsAndCapacities", m{"EndpointName": name, "DesiredWeightsAndCapacities": []m{{"VariantName": "all", "DesiredInstanceCount": 1 + random.IntN(3)}}})
	case 6:
		p.call("DeleteEndpoint", m{"EndpointName": name})
	case 7:
		p.alarms.set("errors", random.IntN(3) == 0)
	}
}

// names of everything that a list shows.
func (p *plane) names() []string {
	all := []string{}
	for _, one := range p.done("ListEndpoints", m{})["Endpoints"].([]any) {
		all = append(all, one.(m)["EndpointName"].(string))
	}
	return all
}

// atRest checks that what began has ended, and that what is in service answers.
func (p *plane) atRest(seed uint64) (serving int) {
	p.t.Helper()
	for _, name := range p.names() {
		e := p.done("DescribeEndpoint", m{"EndpointName": name})
		status := fmt.Sprint(e["EndpointStatus"])
		if !slices.Contains([]string{"InService", "Failed"}, status) || e["PendingDeploymentSummary"] != nil {
			p.t.Errorf("seed %d: endpoint %s: %v", seed, name, e)
		}
		if code, body := p.invoke(name); (code == 200) != (status == "InService") {
			p.t.Errorf("seed %d: endpoint %s is %s and a call was answered %d %s", seed, name, status, code, body)
		}
		v := variantOf(e)
		if status == "InService" {
			serving++
		}
		if status == "InService" && (v["CurrentInstanceCount"] != v["DesiredInstanceCount"] || e["EndpointConfigName"] == "sick") {
			p.t.Errorf("seed %d: endpoint %s: %v", seed, name, e)
		}
	}
	return serving
}

func TestWhateverIsKilledWhenComesToRest(t *testing.T) {
	serving := 0
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 1))
		dir := t.TempDir()
		p := newPlane(t, dir)
		p.alarms.set("errors", false)
		p.config("old", "builtin:echo", 2)
		p.config("new", "builtin:profile?p50=1us", 2)
		p.config("sick", "builtin:xgboost", 2) // without model data
		for range 4 {
			for range 8 {
				p.act(random)
				p.advance(time.Duration(random.IntN(200)) * time.Second)
			}
			killed := t.TempDir() // the folder as a kill leaves it
			if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			before := p.names()
			p.Close()
			dir = killed
			p = newPlane(t, dir)
			p.alarms.set("errors", false)
			if after := p.names(); !slices.Equal(before, after) {
				t.Errorf("seed %d: endpoints %v before and %v after", seed, before, after)
			}
		}
		p.advance(3 * time.Hour)
		serving += p.atRest(seed)
	}
	if serving < 6 {
		t.Errorf("%d endpoints are in service in the end; this test saw too little", serving)
	}
}

func TestTagsOfWhatAKilledRunDeletedAreNotThoseOfItsSuccessor(t *testing.T) {
	dir := t.TempDir()
	p := newPlane(t, dir)
	p.config("old", "builtin:echo", 1)
	arn := p.done("DescribeEndpointConfig", m{"EndpointConfigName": "old"})["EndpointConfigArn"]
	p.done("AddTags", m{"ResourceArn": arn, "Tags": []m{{"Key": "k", "Value": "v"}}})
	p.Close()
	if err := os.Remove(filepath.Join(dir, "endpoint-config", "old.json")); err != nil { // killed before the tags went
		t.Fatal(err)
	}
	p = newPlane(t, dir)
	p.done("CreateEndpointConfig", m{"EndpointConfigName": "old", "ProductionVariants": []m{{"VariantName": "all", "ModelName": "old", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}}})
	if tags := p.done("ListTags", m{"ResourceArn": arn})["Tags"].([]any); len(tags) > 0 {
		t.Errorf("tags %v", tags)
	}
}
