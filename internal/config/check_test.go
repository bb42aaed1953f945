package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

const rests = "models: {a: {rest: {url: http://127.0.0.1:1/a}}, b: {rest: {url: http://127.0.0.1:1/b}}}\n"

const oneRest = "models: {a: {rest: {url: http://127.0.0.1:1/a}}}\n"

func TestWhatNoSingleRoomCanKnow(t *testing.T) {
	dir := folder(t, "train.csv", "fraud,amount,hour\n1,2,3\n")
	tests := []struct{ name, text, want string }{
		{"a cluster of one's own without a beginning", "kafka: {seeds: [a:1]}\nmodels: {a: {rest: {url: http://a/x}}}", "flow.stream.from: kafka.seeds names a cluster"},
		{"no brokers", "kafka: {seeds: []}\nflow: {stream: {from: latest}}\n" + "models: {a: {rest: {url: http://a/x}}}", "kafka.seeds: the list is empty"},
		{"brokers twice", "kafka: {seeds: [a:1], embedded: {}}\nflow: {stream: {from: latest}}", "kafka.embedded: "},
		{"no model on a cluster of one's own", "kafka: {seeds: [a:1]}\nflow: {stream: {from: latest}}", "models: there is no model"},
		{"other partitions of predictions", "kafka: {topics: {events: {partitions: 6}, predictions: {partitions: 12}}}", "kafka.topics.predictions.partitions: 12 "},
		{"queues larger than the memory", "memory: 64MiB", "memory: 64MiB is less than twice the 128MiB"},
		{"more copies than brokers", "kafka: {embedded: {brokers: 1}, topics: {events: {replication_factor: 2}}}", "kafka.topics.events.replication_factor: 2 copies do not fit on 1 embedded brokers"},
		{"several models and no word which", rests, "flow.model: there are 2 models (a, b)"},
		{"a model that is not there", rests + "flow: {model: c}", `flow.model: there is no model "c"; models has a, b`},
		{"a route to a model that is not there", rests + "flow: {route: [{when: amount > 1, model: a}, {model: c}]}", "flow.route[1].model: "},
		{"a route that is never reached", rests + "flow: {route: [{model: a}, {model: b}]}", "flow.route[0].when: "},
		{"a model without a route", rests + "flow: {model: a}", "models.b: no event goes to it"},
		{"a condition that is no expression", rests + "flow: {route: [{when: 'amount >', model: a}, {model: b}]}", "flow.route[0].when: "},
		{"a slow road that is not there", "flow: {admit: {late: async}}", "flow.admit.late: async needs the slow road"},
		{"a policy that does nothing", "flow: {admit: {backlog: shed}}", "flow.admit.backlog: shed does nothing with late: predict"},
		{"a model instead that is not there", rests + "flow: {model: a, admit: {fallback: c}}", `flow.admit.fallback: there is no model "c"; models has a, b`},
		{"a model instead of itself", "models: {a: {rest: {url: http://127.0.0.1:1/a}}}\nflow: {admit: {fallback: a}}", "flow.admit.fallback: \"a\" is the model that every event goes to"},
		{"more events in a call than there may be", oneRest + "flow: {batch: {max_events: 5000}}", "flow.batch.max_events: 5000 are never together: flow.stream.max_queued lets the workers of this process have 2000"},
		{"more events in a call than are in work", oneRest + "flow: {batch: {max_events: 64}, stream: {concurrency: 8, workers: 2}}", "flow.batch.max_events: 64 are never together: flow.stream.concurrency lets the workers of this process have 16"},
		{"calls of several that nobody makes", "models: {a: {rest: {url: http://a/x}, batch: none}}\nflow: {batch: {max_events: 8}}", "flow.batch.max_events: no model takes several events in one call"},
		{"a transaction longer than the objective", oneRest + "objective: {latency: 40ms}\nflow: {stream: {guarantee: exactly_once}}", "flow.stream.transaction: 50ms is no less than objective.latency: 40ms"},
		{"a model slower than the objective", "models: {a: {sagemaker: {}, serve: {image: 'builtin:profile?p50=300ms&workers=2'}}}", "models.a.serve.image: half of its answers take 300ms or longer, which is no less than objective.latency: 250ms"},
		{"a zone that no endpoint is in", twoEndpoints + "flow: {balance: {zone: a}}", "flow.balance.zone: no endpoint says which zone it is in"},
		{"one endpoint twice", "models: {a: {endpoints: [{rest: {url: http://a/x}}, {rest: {url: http://a/x}}]}}", "models.a.endpoints[1]: it is the same as endpoints[0]"},
		{"a request that is no expression", "flow: {feature: {request: '[amount'}}", "flow.feature.request: "},
		{"a response that is no expression", "models: {a: {rest: {url: http://a/x}, response: 'a +'}}", "models.a.response: "},
		{"a format that is no expression", "kafka: {topics: {predictions: {format: 'id +'}}}", "kafka.topics.predictions.format: "},
		{"an include that is no pointer", "kafka: {topics: {predictions: {include: [order_id]}}}", "kafka.topics.predictions.include[0]: "},
		{"a batch that is not known", "models: {a: {rest: {url: http://a/x}, batch: lots}}", "models.a.batch: \"lots\" is not known; write one of auto, instances, lines, csv, recordio, none"},
		{"lines where the content type says records", "models: {a: {rest: {url: http://a/x}, content_type: application/x-recordio-protobuf, batch: lines}}", "models.a.batch: requests of content type \"application/x-recordio-protobuf\" cannot be lines"},
		{"instances where it says csv", "models: {a: {rest: {url: http://a/x}, content_type: text/csv, batch: instances}}", "models.a.batch: "},
		{"csv where it says JSON", "models: {a: {rest: {url: http://a/x}, batch: csv}}", "models.a.batch: "},
		{"a form of tensors", "models: {a: {oip: {url: http://a}, batch: instances}}", "models.a.batch: events share calls of this protocol as tensors"},
		{"a form of a session", "models: {a: {sagemaker: {session: s}, batch: instances}}", "models.a.batch: the calls of sagemaker.session"},
		{"lines in a template", "models: {a: {rest: {url: http://a/x, template: '{\"rows\": $rows}'}, batch: lines}}", "models.a.batch: rest.template"},
		{"no member for errors", "models: {a: {rest: {url: http://a/x}, error_member: ''}}", "models.a.error_member: it is empty"},
		{"a content type that is not known", "models: {a: {rest: {url: http://a/x}, content_type: image/png}}", "models.a.content_type: "},
		{"a model that answers nowhere", "models: {a: {pure: true}}", "models.a: it does not say where the model answers"},
		{"a model with two doors", "models: {a: {rest: {url: http://a/x}, sagemaker: {}}}", "models.a: it has sagemaker and rest"},
		{"a model trained and served", "models: {a: {sagemaker: {}, serve: {file: m.json}, train: {algorithm: xgboost, data: builtin:payments}}}", "models.a.serve: the model is trained too"},
		{"an own model on AWS", "models: {a: {sagemaker: {embedded: false}, serve: {file: m.json}}}", "models.a.serve: only an endpoint inside this process"},
		{"an asynchronous endpoint to be made", "models: {a: {sagemaker: {async: {}}, serve: {file: m.json}}}", "models.a.sagemaker.async: betimes makes no asynchronous endpoints"},
		{"an asynchronous endpoint of a variant", "models: {a: {sagemaker: {variant: small, async: {}}}}", "models.a.sagemaker.variant: an asynchronous request cannot say it"},
		{"a time to live that SageMaker does not take", "models: {a: {sagemaker: {async: {ttl: 30s}}}}", "models.a.sagemaker.async.ttl: 30s is not what SageMaker takes; write 1m to 6h"},
		{"a place that is none", "models: {a: {sagemaker: {async: {input: /tmp}}}}", "models.a.sagemaker.async.input: "},
		{"a stream of a multi-model endpoint", "models: {a: {sagemaker: {stream: true, target_model: a.tar.gz}}}", "models.a.sagemaker.target_model: SageMaker streams no"},
		{"training data that is not there", "models: {a: {sagemaker: {}, train: {algorithm: xgboost, data: none.csv}}}", "models.a.train.data: none.csv: there is no such file"},
		{"a label that is no column", "models: {a: {sagemaker: {}, train: {algorithm: xgboost, label: x, data: " + dir + "/train.csv}}}", "models.a.train.label: "},
		{"a field that is no column", "flow: {feature: {fields: [amount, risk]}}\nmodels: {a: {sagemaker: {}, train: {algorithm: xgboost, data: " + dir + "/train.csv}}}", "flow.feature.fields[1]: "},
		{"one port twice", "admin: {listen: 127.0.0.1:8080}", "admin.listen: port 8080 is taken by flow.gateway.listen"},
		{"a broker on a taken port", "admin: {listen: 127.0.0.1:19094}", "kafka.embedded.listen: port 19094 is taken by admin.listen"},
		{"a gateway open to all", "flow: {gateway: {listen: 0.0.0.0:8080}}", "flow.gateway.tokens: "},
		{"an admin open to all", "admin: {listen: '[::]:8090'}", "admin.tokens: "},
		{"a host that opens both", "listen_host: 0.0.0.0", "admin.tokens: "},
		{"a name that is no name", "name: a b", `name: "a b" cannot begin topic and group names`},
		{"an unknown start of the clock", "objective: {from: birth}", `objective.from: "birth" is not known`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("v1.yaml", []byte(tt.text), Options{Env: env()})
			var all *Error
			if !errors.As(err, &all) {
				t.Fatalf("error %v", err)
			}
			if !slices.ContainsFunc(all.Problems, func(p Problem) bool { return strings.HasPrefix(p.Path+": "+p.Text, tt.want) }) {
				t.Errorf("got\n%v\nwant a line with %s", err, tt.want)
			}
			for _, p := range all.Problems {
				if p.Origin.File != "v1.yaml" && p.Origin.place() != "" && !strings.HasPrefix(p.Origin.By, "default") {
					t.Errorf("%s: not of the file", p)
				}
			}
		})
	}
}

func TestBeyondLoopback(t *testing.T) {
	dir := folder(t, "token", "t0ken")
	text := "listen_host: 0.0.0.0\nflow: {gateway: {auth: external}}\nadmin: {tokens: [{name: ops, role: admin, token: file:" + dir + "/token}]}\n"
	c := mustParse(t, text, Options{}).Config
	if c.Privacy.Show != "none" || c.DrainDelay == 0 || c.Kafka.Embedded.Listen != "0.0.0.0:19092" || c.Lab.Emulator.Listen != "0.0.0.0:8070" {
		t.Errorf("%v %v %v %v", c.Privacy, c.DrainDelay, c.Kafka.Embedded.Listen, c.Lab.Emulator.Listen)
	}
}

func TestFreePortsNeverCollide(t *testing.T) {
	mustParse(t, "admin: {listen: 127.0.0.1:0}\nflow: {gateway: {listen: 127.0.0.1:0}}\nkafka: {embedded: {listen: 127.0.0.1:0}}\nlab: {emulator: {listen: 127.0.0.1:0}}", Options{})
}

func TestProductionRolesRefuseWhatIsEmbedded(t *testing.T) {
	l := mustParse(t, "{}", Options{})
	for _, role := range Roles() {
		err := l.ForRole(role)
		if err == nil || !strings.Contains(err.Error(), "set kafka.seeds: [HOST:9092]") || !strings.Contains(err.Error(), "models.fraud.sagemaker.embedded: ") {
			t.Errorf("%s: %v", role, err)
		}
	}
	for role, want := range map[string]string{"broker": "kafka.embedded: the file has no brokers of its own to run", "emulate": "lab.emulator: the file has no SageMaker to run here"} {
		if err := l.ForRole(role); err != nil {
			t.Errorf("%s: %v", role, err)
		}
		foreign := mustParse(t, "kafka: {seeds: [a:1]}\nflow: {stream: {from: latest}}\nmodels: {m: {rest: {url: http://a}}}\n", Options{})
		if err := foreign.ForRole(role); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s of what is elsewhere: %v, want %s", role, err, want)
		}
	}
	if err := l.ForRole("up"); err != nil {
		t.Errorf("up: %v", err)
	}
	own := mustParse(t, "kafka: {seeds: [a:1]}\nflow: {stream: {from: latest}}\nmodels: {a: {rest: {url: https://a/x}}}", Options{})
	if err := own.ForRole("stream"); err != nil {
		t.Errorf("nothing embedded: %v", err)
	}
}

func TestProductionFindsWhatIsUnsafe(t *testing.T) {
	paths := func(text string) []string {
		var all []string
		for _, f := range Production(mustParse(t, text, Options{}).Config) {
			all = append(all, f.Path)
		}
		return all
	}
	laptop := paths("{}")
	for _, want := range []string{"kafka.embedded", "models.fraud.sagemaker.embedded", "flow.gateway.tokens", "admin.tokens", "memory"} {
		if !slices.Contains(laptop, want) {
			t.Errorf("%s is not found in %q", want, laptop)
		}
	}
	open := paths("kafka: {seeds: [a:1], topics: {events: {replication_factor: 1}}}\nflow: {stream: {from: latest}}\nmodels: {a: {rest: {url: http://10.0.0.1/x}}}")
	for _, want := range []string{"kafka.tls", "kafka.sasl", "kafka.topics.events.replication_factor", "models.a.rest.url"} {
		if !slices.Contains(open, want) {
			t.Errorf("%s is not found in %q", want, open)
		}
	}
}
