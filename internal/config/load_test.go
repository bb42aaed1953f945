package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"betimes/internal/privacy"
)

// env is an environment of its own.
func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

// folder writes name, text pairs and returns the folder.
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i+1 < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func mustParse(t *testing.T, text string, o Options) *Loaded {
	t.Helper()
	if o.Env == nil {
		o.Env = env()
	}
	l, err := Parse("v1.yaml", []byte(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestTheSmallestFileIsTheExampleProblem(t *testing.T) {
	c := mustParse(t, "{}", Options{}).Config
	if c.Name != "v1" || c.DataDir != ".betimes/v1" || c.Kafka.ClientID != "v1" || c.Flow.Stream.Group != "v1" {
		t.Errorf("names: %q %q %q %q", c.Name, c.DataDir, c.Kafka.ClientID, c.Flow.Stream.Group)
	}
	if c.Kafka.Embedded == nil || c.Kafka.Embedded.Brokers != 3 || !*c.Kafka.CreateTopics || c.Flow.Stream.From != "earliest" {
		t.Errorf("kafka: %+v", c.Kafka)
	}
	fraud := c.Models["fraud"]
	if !fraud.Embedded() || fraud.SageMaker.Endpoint != "fraud" || fraud.Train.Data != "builtin:payments" || fraud.MediaType() != "text/csv" {
		t.Errorf("model: %+v", fraud)
	}
	if c.Flow.Model != "fraud" || c.Flow.Gateway.Key != "/card_token" || strings.Join(c.Flow.Feature.Fields, " ") != "amount hour country_risk merchant_risk" {
		t.Errorf("flow: %+v", c.Flow)
	}
	if c.Lab.Emulator == nil || c.Privacy.Show != privacy.Keys || c.DrainDelay != 0 || c.ShutdownTimeout != 25*time.Second {
		t.Errorf("rest: %+v %+v %v %v", c.Lab, c.Privacy, c.DrainDelay, c.ShutdownTimeout)
	}
	for key, topic := range topicsByKey(&c.Kafka.Topics) {
		if topic.Name != key || topic.Partitions != 12 || topic.ReplicationFactor != 3 || topic.Retention == 0 || topic.MaxBytes == 0 {
			t.Errorf("topic %s: %+v", key, topic)
		}
	}
}

func TestOwnModelsTakeNothingFromTheExample(t *testing.T) {
	c := mustParse(t, "models: {a: {rest: {url: http://127.0.0.1:9/invocations}}}", Options{}).Config
	if len(c.Models) != 1 || c.Flow.Gateway.Key != "" || c.Flow.Feature.Fields != nil || c.Lab.Emulator != nil || c.Flow.Model != "a" {
		t.Errorf("%+v %+v", c.Models, c.Flow)
	}
}

const twoEndpoints = "models: {a: {pure: true, endpoints: [{rest: {url: http://a}}, {rest: {url: http://b}}]}}\n"

func TestASecondCallIsOffUnlessItIsAskedForAndOffTakesItBack(t *testing.T) {
	for text, want := range map[string]bool{"": false, "flow: {balance: {hedge: {}}}": true, "flow: {balance: {hedge: off}}": false} {
		if h := mustParse(t, twoEndpoints+text, Options{}).Config.Flow.Balance.Hedge; (h != nil) != want || want && (h.At != 0.95 || h.Budget != 0.03) {
			t.Errorf("%q: %+v", text, h)
		}
	}
}

func TestAFileWithAByteOrderMarkIsRead(t *testing.T) {
	if l := mustParse(t, "\ufeffname: from-an-editor\r\n", Options{}); l.Config.Name != "from-an-editor" {
		t.Errorf("name %q", l.Config.Name)
	}
}

func TestEveryMistakeIsNamedAtOnce(t *testing.T) {
	dir := folder(t)
	tests := []struct{ name, text, want string }{
		{"an empty file", "", "v1.yaml: the file is empty; write {} for the example problem with all defaults"},
		{"only a comment", "# later\n", "v1.yaml: the file is empty; write {} for the example problem with all defaults"},
		{"a list", "- a\n", "v1.yaml:1: a list is here, but keys are wanted; write name: value lines, or {}"},
		{"not YAML", "name: 'x\n", "v1.yaml:1: could not find end character of single-quoted text; the text is not YAML here"},
		{"two documents", "name: a\n---\nname: b\n", "v1.yaml:2: a second document begins; one file is one pipeline, remove everything from --- on"},
		{"a typing error in a key", "objektive: {latency: 1s}", "v1.yaml:1: objektive: unknown key; did you mean objective?"},
		{"a typing error in a key without a value", "objektive:", "v1.yaml:1: objektive: unknown key; did you mean objective?"},
		{"a key in the wrong place", "kafka: {brokers: 3}", "v1.yaml:1: kafka.brokers: unknown key; did you mean kafka.embedded.brokers?"},
		{"brokers that run already, by the name of other tools", "kafka:\n  bootstrap.servers: a:9092\n  brokers: [a:9092]", "v1.yaml:2: kafka.bootstrap.servers: unknown key; brokers that run already are kafka.seeds, a list of HOST:PORT\n" +
			"v1.yaml:3: kafka.brokers: unknown key; brokers that run already are kafka.seeds, a list of HOST:PORT"},
		{"a key that is not built yet", "flow: {cache: {ttl: 5m}}", "v1.yaml:1: flow.cache: is not built yet in this version; remove it"},
		{"a model that answers at two places", "models: {a: {oip: {url: http://a}, rest: {url: http://a}}}", "v1.yaml:1: models.a: it has oip and rest; keep one (write null over an extended file)"},
		{"no endpoints", "models: {a: {endpoints: []}}", "v1.yaml:1: models.a.endpoints: there are 0; write 1 to 64"},
		{"endpoints beside one", "models: {a: {endpoints: [{rest: {url: http://a}}], rest: {url: http://a}}}", "v1.yaml:1: models.a: it has rest and endpoints; keep one (write null over an extended file)"},
		{"an endpoint that answers nowhere", "models: {a: {endpoints: [{weight: 2}]}}", "v1.yaml:1: models.a.endpoints[0]: it does not say where it answers; write sagemaker: {endpoint: NAME}, oip: {url: URL, model: NAME} or rest: {url: URL}"},
		{"an endpoint that answers at two places", "models: {a: {endpoints: [{oip: {url: http://a}, rest: {url: http://a}}]}}", "v1.yaml:1: models.a.endpoints[0]: it has oip and rest; make two entries of them"},
		{"an endpoint of no weight", "models: {a: {endpoints: [{rest: {url: http://a}, weight: 0}]}}", "v1.yaml:1: models.a.endpoints[0].weight: 0 is not from 0.01 to 100; write for example 1"},
		{"an endpoint that pays", "models: {a: {endpoints: [{rest: {url: http://a}, cost: -1}]}}", "v1.yaml:1: models.a.endpoints[0].cost: -1 is less than 0; write for example 1"},
		{"an endpoint of more weight than there is", "models: {a: {endpoints: [{rest: {url: http://a}, weight: 1000}]}}", "v1.yaml:1: models.a.endpoints[0].weight: 1000 is not from 0.01 to 100; write for example 1"},
		{"a time of a timed model that is none", "models: {a: {sagemaker: {embedded: true}, serve: {image: \"builtin:profile?p50=zzz\"}}}", `v1.yaml:1: models.a.serve.image: builtin:profile?p50=zzz: p50: time: invalid duration "zzz"; write for example builtin:profile?p50=8ms&p99=40ms`},
		{"a setting of a timed model that is none", "models: {a: {sagemaker: {embedded: true}, serve: {image: \"builtin:profile?p50=8ms&p100=9ms\"}}}", "v1.yaml:1: models.a.serve.image: builtin:profile?p50=8ms&p100=9ms: p100: is not known; use p50, p99, per_record, workers; write for example builtin:profile?p50=8ms&p99=40ms"},
		{"tabs", "objective:\n\tlatency: 250ms\n", "v1.yaml:2: a line begins with a tab; indent with spaces"},
		{"two endpoints of one name", "models: {a: {endpoints: [{name: x, rest: {url: http://a}}, {name: x, rest: {url: http://b}}]}}", `v1.yaml:1: models.a.endpoints[1].name: "x" is the name of models.a.endpoints[0] too; give each its own`},
		{"an address of one of several that is none", "models: {a: {endpoints: [{rest: {url: nowhere}}]}}", "v1.yaml:1: models.a.endpoints[0].rest.url: \"nowhere\" is not an http or https URL with a host; write for example http://127.0.0.1:9000/invocations"},
		{"training for several", "models: {a: {endpoints: [{sagemaker: {embedded: false}}], train: {algorithm: xgboost, data: builtin:payments}}}", "v1.yaml:1: models.a.endpoints: what is trained or served here has one endpoint; write sagemaker: in its place, or remove train and serve"},
		{"how an endpoint of several is to be made", "models: {a: {endpoints: [{sagemaker: {embedded: false, instances: 2}}]}}", "v1.yaml:1: models.a.endpoints[0].sagemaker.instances: it has no effect: endpoints of a list are used as they are; remove it, or write sagemaker: in the place of endpoints, and train or serve"},
		{"an endpoint inside the process among several", "models: {a: {endpoints: [{sagemaker: {}}]}}", "v1.yaml:1: models.a.endpoints[0].sagemaker.embedded: the endpoint inside this process is the only one of its model; write its url, or sagemaker: in the place of endpoints"},
		{"a second call where there is one endpoint", "flow: {balance: {hedge: {}}}", "v1.yaml:1: flow.balance.hedge: the second call goes to another endpoint, and no model has several; write models.NAME.endpoints, or hedge: off"},
		{"a second call of what is not pure", strings.Replace(twoEndpoints, "pure: true, ", "", 1) + "flow: {balance: {hedge: {at: p99}}}", "v1.yaml:1: models.a.pure: flow.balance.hedge makes a call twice, which is right only where the same input has the same answer and no other effect; write pure: true, or hedge: off"},
		{"a second call where requests wait", "models: {a: {pure: true, endpoints: [{rest: {url: http://a}}, {sagemaker: {endpoint: b, embedded: false, async: {}}}]}}\nflow: {balance: {hedge: {}}}", "v1.yaml:1: models.a.endpoints[1].sagemaker.async: flow.balance.hedge makes a second call while the first waits, and a request that waits there cannot be taken back; remove it, or write hedge: off"},
		{"more second calls than calls", twoEndpoints + "flow: {balance: {hedge: {budget: 120%}}}", "v1.yaml:2: flow.balance.hedge.budget: 120% is no share of all calls; write for example 3%, or hedge: off"},
		{"a second call for most", twoEndpoints + "flow: {balance: {hedge: {at: p20}}}", "v1.yaml:2: flow.balance.hedge.at: p20 is not between p50 and p99.9; write for example p95"},
		{"a quantile that is none", twoEndpoints + "flow: {balance: {hedge: {at: 95}}}", `v1.yaml:2: flow.balance.hedge.at: "95" is not a quantile; write for example p95`},
		{"a policy of choice that does not exist", "flow: {balance: {policy: random}}", `v1.yaml:1: flow.balance.policy: "random" is not known; use latency`},
		{"keys that stick where calls are shared", twoEndpoints + "flow: {balance: {sticky: key}}", "v1.yaml:2: flow.balance.sticky: events of several keys share calls of models.a; write flow.batch.max_events: 1, or models.a.batch: none"},
		{"keys that stick and second calls", twoEndpoints + "flow: {batch: {max_events: 1}, balance: {sticky: key, hedge: {}}}", "v1.yaml:2: flow.balance.hedge: the second call goes to an endpoint that flow.balance.sticky keeps its key from; switch one of both off"},
		{"keys that stick to the only endpoint", "flow: {balance: {sticky: key}}", "v1.yaml:1: flow.balance.sticky: no model has several endpoints; write models.NAME.endpoints, or sticky: off"},
		{"a server that makes no tensors of what it is sent", "models: {a: {content_type: text/libsvm, oip: {url: http://a}}}", `v1.yaml:1: models.a.content_type: a request of content type "text/libsvm" cannot be made tensors; use application/json, text/csv or text/plain`},
		{"a negative duration", "objective: {latency: -1s}", `v1.yaml:1: objective.latency: "-1s" is negative; write for example 250ms`},
		{"a duration without unit", "objective: {latency: 250}", "v1.yaml:1: objective.latency: 250 has no unit; write for example 250ms or 250s"},
		{"a word for a duration", "objective: {latency: fast}", `v1.yaml:1: objective.latency: "fast" is not a duration; write for example 250ms, 10s or 30d`},
		{"a word for a number", "kafka: {embedded: {brokers: three}}", `v1.yaml:1: kafka.embedded.brokers: "three" is not a whole number; write for example 12`},
		{"a number in quotes", `kafka: {embedded: {brokers: "3"}}`, `v1.yaml:1: kafka.embedded.brokers: "3" in quotes is text, but a whole number is wanted; write it without quotes`},
		{"a list for keys", "kafka: [a]", "v1.yaml:1: kafka: a list is here, but it has keys of its own: embedded, seeds, client_id, rack, tls, sasl, create_topics, topics"},
		{"text for a list", "flow: {feature: {fields: amount}}", `v1.yaml:1: flow.feature.fields: "amount" is here, but a list is wanted; write [a, b]`},
		{"a list for text", "flow: {feature: {request: [amount]}}", "v1.yaml:1: flow.feature.request: a list is here, but text is wanted; put an expression in quotes"},
		{"a switch for text", "name: true", "v1.yaml:1: name: true is not text; write it in quotes if it is meant"},
		{"text for a switch", "kafka: {create_topics: yes}", `v1.yaml:1: kafka.create_topics: "yes" is neither true nor false`},
		{"a key twice", "name: a\nname: b\n", "v1.yaml:2: name: the key is here a second time; keep one"},
		{"an anchor", "name: &n a\ndata_dir: *n\n", "v1.yaml:1: name: anchors and aliases (&, *, <<) are not read; write the value out, or use extends\n" +
			"v1.yaml:2: data_dir: anchors and aliases (&, *, <<) are not read; write the value out, or use extends"},
		{"a tag", "name: !!str a", "v1.yaml:1: name: tags like !!str are not read; remove it"},
		{"a variable that is not set", "name: ${NAME}", "v1.yaml:1: name: the environment has no NAME; set it, or write ${NAME:-default}"},
		{"a secret's file that is not there", "admin: {metrics_token: file:" + dir + "/none}", "v1.yaml:1: admin.metrics_token: secret: open " + dir + "/none: no such file or directory; write the secret there, or name another file"},
		{"several at once", "nam: a\nobjective:\n  latency: 5\n  target: 2000%\nlog: {level: loud}\n", "v1.yaml:1: nam: unknown key; did you mean name?\n" +
			"v1.yaml:3: objective.latency: 5 has no unit; write for example 5ms or 5s\n" +
			"v1.yaml:4: objective.target: 2000% leaves no error budget or no objective; write for example 99%\n" +
			`v1.yaml:5: log.level: "loud" is not known; use debug, info, warn, error`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("v1.yaml", []byte(tt.text), Options{Env: env()})
			if err == nil {
				t.Fatal("no error")
			}
			if err.Error() != tt.want {
				t.Errorf("got\n%s\nwant\n%s", err, tt.want)
			}
		})
	}
}

func TestAFileThatIsNotThere(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "no.yaml"), Options{Env: env()})
	var problems *Error
	if !errors.As(err, &problems) || !strings.HasSuffix(err.Error(), "no.yaml: there is no such file; write one with betimes init, or name another") {
		t.Errorf("%v", err)
	}
}
