package config

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheNearerLayerWins(t *testing.T) {
	dir := folder(t,
		"base.yaml", "name: base\naws: {region: eu-central-1, bucket: base}\nobjective: {latency: 1s, target: 90%}\nmodels: {a: {rest: {url: http://127.0.0.1:1/a, ca: ca.pem}}}\n",
		"top.yaml", "extends: base.yaml\nname: top\nobjective: {latency: 2s}\nmodels: {a: {rest: {ca: null}}}\n")
	l, err := Load(filepath.Join(dir, "top.yaml"), Options{
		Env: env("AWS_REGION", "us-west-2", "AWS_PROFILE", "team", "BETIMES_HOST", "127.0.0.9"),
		Set: []string{"objective.target=95%", "models.a.pure=true"},
	})
	if err != nil {
		t.Fatal(err)
	}
	top, base := filepath.Join(dir, "top.yaml"), filepath.Join(dir, "base.yaml")
	got := map[string][2]string{}
	for _, v := range l.Values() {
		got[v.Path] = [2]string{v.Value, v.Origin}
	}
	for path, want := range map[string][2]string{
		"name":                {"top", top + ":2"},
		"objective.latency":   {"2s", top + ":3"},
		"objective.target":    {"95%", "--set"},
		"models.a.pure":       {"true", "--set"},
		"models.a.rest.url":   {"http://127.0.0.1:1/a", base + ":4"},
		"models.a.rest.ca":    {`""`, "default"},
		"aws.region":          {"eu-central-1", base + ":2"},
		"aws.profile":         {"team", "env AWS_PROFILE"},
		"listen_host":         {"127.0.0.9", "env BETIMES_HOST"},
		"flow.gateway.listen": {"127.0.0.9:8080", "default, by listen_host"},
		"flow.stream.group":   {"top", "default, from name"},
		"log.level":           {"info", "default"},
	} {
		if got[path] != want {
			t.Errorf("%s: got %q, want %q", path, got[path], want)
		}
	}
	if len(l.Files) != 2 || l.Files[0] != top || l.Files[1] != base {
		t.Errorf("files %q", l.Files)
	}
}

func TestPathsAreThoseOfTheFileThatNamesThem(t *testing.T) {
	dir := folder(t, "secret", "s3cret\n", "train.csv", "fraud,amount\n1,2\n", "serve.sh", "")
	text := "kafka: {tls: {ca: ca.pem}, seeds: [a:1], sasl: {mechanism: scram-sha-256, username: u, password: file:secret}}\nflow: {stream: {from: latest}}\n" +
		"models: {a: {sagemaker: {}, train: {algorithm: xgboost, data: train.csv}}}\n"
	l, err := Parse(filepath.Join(dir, "v1.yaml"), []byte(text), Options{Env: env()})
	if err != nil {
		t.Fatal(err)
	}
	k := l.Config.Kafka
	if k.TLS.CA != filepath.Join(dir, "ca.pem") || l.Config.Models["a"].Train.Data != filepath.Join(dir, "train.csv") {
		t.Errorf("%q %q", k.TLS.CA, l.Config.Models["a"].Train.Data)
	}
	if password, err := k.SASL.Password.Value(); err != nil || password != "s3cret" {
		t.Errorf("%q %v", password, err)
	}
	own, err := Parse(filepath.Join(dir, "v1.yaml"), []byte("models: {a: {sagemaker: {}, serve: {command: [sh, serve.sh, --fast]}}}"), Options{Env: env()})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(own.Config.Models["a"].Serve.Command, " "); got != "sh "+filepath.Join(dir, "serve.sh")+" --fast" {
		t.Errorf("command %q", got)
	}
}

func TestVariables(t *testing.T) {
	vars := env("HOST", "10.0.0.1", "N", "7", "EMPTY", "", "NESTED", "${HOST}")
	for _, tt := range []struct{ text, want, fails string }{
		{"plain", "plain", ""},
		{"${HOST}:1", "10.0.0.1:1", ""},
		{"a${N}b${N}", "a7b7", ""},
		{"${NONE:-x}", "x", ""},
		{"${NONE:-}", "", ""},
		{"${NONE:-127.0.0.1:9092}", "127.0.0.1:9092", ""},
		{"${EMPTY:-x}", "x", ""},
		{"${EMPTY}", "", ""},
		{"${NESTED}", "${HOST}", ""},
		{"$${HOST}", "${HOST}", ""},
		{"$HOST", "$HOST", ""},
		{"${NONE}", "", "the environment has no NONE"},
		{"${HOST", "", "has no }"},
		{"${a b}", "", "is no variable"},
	} {
		got, err := expand(tt.text, vars)
		if tt.fails == "" && (err != nil || got != tt.want) {
			t.Errorf("%s: got %q, %v, want %q", tt.text, got, err, tt.want)
		}
		if tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)) {
			t.Errorf("%s: error %v, want %s", tt.text, err, tt.fails)
		}
	}
	l := mustParse(t, `kafka: {embedded: {brokers: "${N}"}}`, Options{Env: vars})
	if l.Config.Kafka.Embedded.Brokers != 7 {
		t.Errorf("%d brokers: a variable may hold a number", l.Config.Kafka.Embedded.Brokers)
	}
}

func TestSetReachesEveryKindOfKey(t *testing.T) {
	routed := "models: {a: {rest: {url: http://127.0.0.1:1/a}}, b: {rest: {url: http://127.0.0.1:1/b}}}\nflow: {route: [{when: amount > 1, model: a}, {model: b}]}\n"
	l := mustParse(t, routed, Options{Set: []string{
		"flow.route[0].when=amount > 2", "flow.feature.request=[amount, hour]", "objective={latency: 3s}", "models.b.rest.headers.X-Team=blue",
		"flow.gateway.max_bytes=2MiB", "kafka.embedded.listen=127.0.0.1:0",
	}})
	c := l.Config
	if c.Flow.Route[0].When != "amount > 2" || c.Flow.Feature.Request != "[amount, hour]" || c.Objective.Latency != 3*time.Second || c.Objective.Target != 0.99 {
		t.Errorf("%+v %+v", c.Flow, c.Objective)
	}
	for _, tt := range []struct{ set, want string }{
		{"objective.latency", "--set: \"objective.latency\" has no path=value; write for example --set objective.latency=100ms"},
		{"objektive.latency=1s", "--set: objektive: unknown key; did you mean objective?"},
		{"flow.route[7].when=x", "--set: flow.route[7].when: there is no such entry in the list; name one that exists, or set the whole list"},
		{"objective.latency=-1s", `--set: objective.latency: "-1s" is negative; write for example 250ms`},
		{"extends=base.yaml", "--set: extends: it is read before --set; write it into the file"},
		{"name=${NONE}", "--set: name: the environment has no NONE; set it, or write ${NONE:-default}"},
	} {
		_, err := Parse("v1.yaml", []byte(routed), Options{Env: env(), Set: []string{tt.set}})
		if err == nil || err.Error() != tt.want {
			t.Errorf("--set %s: got\n%v\nwant\n%s", tt.set, err, tt.want)
		}
	}
}

func TestExtendsHasOneLevel(t *testing.T) {
	dir := folder(t, "a.yaml", "extends: b.yaml\n", "b.yaml", "extends: c.yaml\nnam: x\n", "d.yaml", "extends: none.yaml\n")
	_, err := Load(filepath.Join(dir, "a.yaml"), Options{Env: env()})
	b := filepath.Join(dir, "b.yaml")
	want := b + ":1: extends: this file is itself extended by " + filepath.Join(dir, "a.yaml") + "; one level only, merge two of the files\n" +
		b + ":2: nam: unknown key; did you mean name?"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	_, err = Load(filepath.Join(dir, "d.yaml"), Options{Env: env()})
	if err == nil || !strings.Contains(err.Error(), "d.yaml:1: extends: "+filepath.Join(dir, "none.yaml")+": there is no such file") {
		t.Errorf("%v", err)
	}
}

func TestAddressesNeedNoQuotes(t *testing.T) {
	for _, text := range []string{
		"kafka: {seeds: [h1:9092, 127.0.0.1:9093, h-3:9094]}\n",
		"kafka: {seeds: ['h1:9092', h1:9092 , h1:9092]}\n",
		"kafka: {seeds: [\n  h1:9092,\n  h1:9092,\n  h1:9092\n]}\n",
		"kafka:\n  seeds: [h1:9092, h1:9092, h1:9092]\n",
		"kafka:\n  seeds:\n    - h1:9092\n    - h1:9092\n    - h1:9092\n",
		"kafka: {seeds: ['${KAFKA}']}\n",
	} {
		l := mustParse(t, text+"flow: {stream: {from: latest}}\nmodels: {a: {rest: {url: http://h:80/x}}}\n", Options{Env: env("KAFKA", "h1:9092,h1:9092, h1:9092")})
		if seeds := l.Config.Kafka.Seeds; len(seeds) != 3 || seeds[0] != "h1:9092" {
			t.Errorf("%s: %q", text, seeds)
		}
	}
}
