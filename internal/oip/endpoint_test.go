package oip

import (
	"encoding/hex"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"betimes/internal/model"
	"betimes/internal/model/modeltest"
	"betimes/internal/setting"
)

func one(body string) *model.Request {
	return &model.Request{ContentType: "application/json", InferenceID: "id-1", Items: []model.Item{{Body: []byte(body)}}}
}

// scripted is a server whose metadata and answers are given as they are.
func scripted(t *testing.T, metadata string, infer http.HandlerFunc) Config {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/infer"):
			infer(w, r)
		case strings.HasSuffix(r.URL.Path, "/models/m"):
			_, _ = io.WriteString(w, metadata)
		default:
			_, _ = io.WriteString(w, "{}")
		}
	}))
	t.Cleanup(server.Close)
	c := DefaultConfig()
	c.URL, c.Model = server.URL, "m"
	return c
}

const fourNumbers = `{"name":"m","inputs":[{"name":"x","datatype":"FP32","shape":[-1,4]}],"outputs":[]}`

func answering(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func TestARequestOfBytesIsAsTritonReadsIt(t *testing.T) {
	const answer = `{"model_name":"m","model_version":"2","id":"id-1","outputs":[{"name":"p","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}},{"name":"label","datatype":"BYTES","shape":[1,1],"parameters":{"binary_data_size":6}}]}`
	got := make(chan string, 1)
	c := scripted(t, fourNumbers, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r.Header.Get("Content-Type") + " " + r.Header.Get("Inference-Header-Content-Length") + " " + string(body)
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Inference-Header-Content-Length", strconv.Itoa(len(answer)))
		bytes, _ := hex.DecodeString("0000003f0000803e" + "02000000" + "6f6b") // 0.5 0.25 "ok"
		_, _ = w.Write(append([]byte(answer), bytes...))
	})
	c.Binary, c.Version, c.Outputs, c.Parameters = binaryOn, "2", []string{"p", "label"}, map[string]string{"a": "b"}
	c.Inputs = []InputConfig{{"x", "FP32", []int64{-1, 4}}}
	c.URL += "/"
	c.Version = ""
	resp, err := endpoint(t, c).Invoke(t.Context(), one(`[1,2,0.5,-1]`))
	if err != nil {
		t.Fatal(err)
	}
	const head = `{"id":"id-1","parameters":{"binary_data_output":true,"a":"b"},"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"parameters":{"binary_data_size":16}}],"outputs":[{"name":"p"},{"name":"label"}]}`
	want := "application/octet-stream " + strconv.Itoa(len(head)) + " " + head + "\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x00\x3f\x00\x00\x80\xbf"
	if sent := <-got; sent != want {
		t.Errorf("sent %q\nwant %q", sent, want)
	}
	const answered = `{"model_name":"m","model_version":"2","outputs":[{"name":"p","datatype":"FP32","shape":[1,2],"data":[0.5,0.25]},{"name":"label","datatype":"BYTES","shape":[1,1],"data":["ok"]}]}`
	if string(resp.Answers[0].Body) != answered || resp.Version != "2" || resp.ContentType != "application/json" {
		t.Errorf("got %s %+v", resp.Answers[0].Body, resp)
	}
}

func TestAnAnswerReadsTheSameAloneAndTogether(t *testing.T) {
	c := scripted(t, fourNumbers, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), `"shape":[2,4]`) {
			_, _ = io.WriteString(w, `{"outputs":[{"name":"y","datatype":"INT64","shape":[2],"data":[7,8]},{"name":"t","datatype":"BYTES","shape":[2,1],"data":["a","bc"]}]}`)
			return
		}
		_, _ = io.WriteString(w, `{"id":"id-1","outputs":[{"name":"y","datatype":"INT64","shape":[1],"data":[7]},{"name":"t","datatype":"BYTES","shape":[1,1],"data":[["a"]]}]}`)
	})
	e := endpoint(t, c)
	alone, err := e.Invoke(t.Context(), one(`[1,2,3,4]`))
	if err != nil {
		t.Fatal(err)
	}
	r := one(`[1,2,3,4]`)
	r.Items = append(r.Items, model.Item{Body: []byte(`[5,6,7,8]`)})
	together, err := e.Invoke(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := string(alone.Answers[0].Body), string(together.Answers[0].Body); a != b || !strings.Contains(a, `"data":[7]`) {
		t.Errorf("alone %s\ntogether %s", a, b)
	}
	if b := string(together.Answers[1].Body); !strings.Contains(b, `"data":[8]`) || !strings.Contains(b, `"data":["bc"]`) {
		t.Errorf("the second: %s", b)
	}
}

func TestAnEventThatDoesNotFitFailsAlone(t *testing.T) {
	c := scripted(t, fourNumbers, answering(`{"outputs":[{"name":"y","datatype":"INT64","shape":[2],"data":[7,8]}]}`))
	r := one(`[1,2,3,4]`)
	r.Items = append(r.Items, model.Item{Body: []byte(`[5,6]`)}, model.Item{Body: []byte(`[5,6,7,8]`)})
	e := endpoint(t, c)
	e.fitted.Store(true)
	resp, err := e.Invoke(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if model.ClassOf(resp.Answers[1].Err) != model.ClassBadInput || resp.Answers[0].Err != nil || !strings.Contains(string(resp.Answers[2].Body), "[8]") {
		t.Errorf("got %+v", resp.Answers)
	}
}

func TestUntilOneEventHasFittedTheOthersWait(t *testing.T) {
	e := endpoint(t, scripted(t, fourNumbers, answering(`{"outputs":[{"name":"y","datatype":"FP64","shape":[1],"data":[0.5]}]}`)))
	_, err := e.Invoke(t.Context(), one(`[1,2]`))
	if c := model.ClassOf(err); c != model.ClassNotFound || !c.OfEndpoint() || !strings.Contains(err.Error(), "takes 4 per event, and the request has 2") {
		t.Errorf("before: %v", err)
	}
	if _, err := e.Invoke(t.Context(), one(`[1,2,3,4]`)); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Invoke(t.Context(), one(`[1,2]`)); model.ClassOf(err) != model.ClassBadInput {
		t.Errorf("after: %v", err)
	}
}

func TestAnAnswerThatCannotBeIsBadOutput(t *testing.T) {
	for name, answer := range map[string]string{
		"no JSON":                  "<html>",
		"no outputs":               `{"outputs":[]}`,
		"another request's id":     `{"id":"id-2","outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[1]}]}`,
		"less than its shape":      `{"outputs":[{"name":"y","datatype":"FP32","shape":[1,2],"data":[1]}]}`,
		"more than its shape":      `{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[1,2]}]}`,
		"a shape of less than 0":   `{"outputs":[{"name":"y","datatype":"FP32","shape":[-1],"data":[1]}]}`,
		"a shape beyond reason":    `{"outputs":[{"name":"y","datatype":"BYTES","shape":[9000000000,9000000000],"data":[]}]}`,
		"a datatype of its own":    `{"outputs":[{"name":"y","datatype":"FLOAT","shape":[1],"data":[1]}]}`,
		"a text as a number":       `{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":["1"]}]}`,
		"no number":                `{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[null]}]}`,
		"bytes that are not there": `{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}}]}`,
		"a size of less than 0":    `{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":-4}}]}`,
		"lists too deep":           `{"outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			resp, err := endpoint(t, scripted(t, fourNumbers, answering(answer))).Invoke(t.Context(), one(`[1,2,3,4]`))
			if err == nil {
				err = resp.Answers[0].Err
			}
			if model.ClassOf(err) != model.ClassBadOutput {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestFieldsThatDoNotAgreeAreNamedBeforeTheFirstEvent(t *testing.T) {
	for name, start := range map[string]func(*testing.T) Config{
		"over HTTP": func(t *testing.T) Config { return scripted(t, fourNumbers, answering("")) },
		"over gRPC": func(t *testing.T) Config {
			c := startGRPC(t, &stub{binary: true})
			c.Inputs = []InputConfig{{"x", "FP32", []int64{-1, 4}}}
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := New(start(t), Deps{Name: "stub", Fields: []string{"a", "b"}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(e.Close)
			const want = "flow.feature.fields: it names 2 fields, and the model's input x (FP32 [-1 4]) takes 4; make them agree"
			if err := e.Prepare(t.Context()); err == nil || err.Error() != want {
				t.Errorf("got %v", err)
			}
			if _, err := e.Invoke(t.Context(), one(`{"instances":[[1,2]]}`)); !model.ClassOf(err).OfEndpoint() {
				t.Errorf("an event does not wait: %v", err)
			}
		})
	}
}

func TestAServerThatIsAwayIsNoErrorAtTheStart(t *testing.T) {
	for _, scheme := range []string{"http", "grpc"} {
		c := DefaultConfig()
		c.URL, c.Model = scheme+"://127.0.0.1:1", "m"
		e := endpoint(t, c)
		if err := e.Prepare(t.Context()); err != nil {
			t.Errorf("%s: %v", scheme, err)
		}
		if _, err := e.Invoke(t.Context(), one("[1]")); model.ClassOf(err) != model.ClassConnection {
			t.Errorf("%s: an event does not wait: %v", scheme, err)
		}
	}
}

func TestAnUnknownModelIsNamed(t *testing.T) {
	c := startHTTP(t, &stub{})
	c.Model = "other"
	if err := endpoint(t, c).Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "/v2/models/other; mend url, model or version") {
		t.Errorf("over HTTP: %v", err)
	}
}

func TestARequestCarriesHeadersDeadlineAndID(t *testing.T) {
	s := &stub{Behaviour: modeltest.Behaviour{Delay: time.Millisecond}, heads: make(chan http.Header, 1)}
	c := startHTTP(t, s)
	c.Headers = map[string]setting.Secret{"authorization": setting.NewSecret("Bearer s3cret")}
	r := &model.Request{ContentType: "text/csv", InferenceID: "payment-7", Items: []model.Item{{Body: []byte("a"), Deadline: time.Now().Add(time.Hour)}}}
	if _, err := endpoint(t, c).Invoke(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	h := <-s.heads
	left, err := strconv.Atoi(h.Get("X-Deadline-Ms"))
	if err != nil || left <= 0 || left > int(time.Hour.Milliseconds()) || h.Get("Authorization") != "Bearer s3cret" || h.Get("User-Agent") != "betimes" {
		t.Errorf("got %v", h)
	}
}

func TestAModelThatIsReplacedIsSeenByTheProbe(t *testing.T) {
	var metadata atomic.Pointer[string]
	before, after := fourNumbers, strings.Replace(fourNumbers, "4]", "5]", 1)
	metadata.Store(&before)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, *metadata.Load()) }))
	defer server.Close()
	c := DefaultConfig()
	c.URL, c.Model = server.URL, "m"
	e, err := New(c, Deps{Name: "stub", Fields: []string{"a", "b", "c", "d"}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	metadata.Store(&after)
	e.probe(t.Context())
	if err := e.Ready(); err == nil || !strings.Contains(err.Error(), "takes 5") {
		t.Errorf("ready: %v", err)
	}
	if _, err := e.Invoke(t.Context(), one(`[1,2,3,4]`)); !model.ClassOf(err).OfEndpoint() {
		t.Errorf("an event does not wait: %v", err)
	}
	metadata.Store(&before)
	e.probe(t.Context())
	if err := e.Ready(); err != nil {
		t.Errorf("again ready: %v", err)
	}
}

func TestAMissingValueTravelsAsBytesOnly(t *testing.T) {
	c := scripted(t, fourNumbers, answering(`{"outputs":[{"name":"y","datatype":"FP64","shape":[1],"data":[0.5]}]}`))
	if _, err := endpoint(t, c).Invoke(t.Context(), one(`[1,null,3,4]`)); model.ClassOf(err) != model.ClassBadInput || !strings.Contains(err.Error(), "binary: on") {
		t.Errorf("as JSON: %v", err)
	}
	c.Binary = binaryOn
	if _, err := endpoint(t, c).Invoke(t.Context(), one(`[1,null,3,4]`)); err != nil {
		t.Errorf("as bytes: %v", err)
	}
}

func TestEveryDatatypeTravelsInListsAndBytes(t *testing.T) {
	values := map[datatype][]string{
		typeBool: {"true", "false"}, typeUint8: {"0", "255"}, typeUint16: {"65535"}, typeUint32: {"4294967295"}, typeUint64: {"18446744073709551615"},
		typeInt8: {"-128", "127"}, typeInt16: {"-32768"}, typeInt32: {"-2147483648", "2147483647"}, typeInt64: {"-9223372036854775808"},
		typeFP16: {"0.5", "65504"}, typeBF16: {"-2"}, typeFP32: {"0.1", "340282350000000000000000000000000000000"[:9]}, typeFP64: {"0.1", "1e-300"}, typeBytes: {`"a"`, `""`, `"\u00e9"`},
	}
	for d, all := range values {
		t.Run(d.String(), func(t *testing.T) {
			in := tensor{name: "y", datatype: d, shape: []int64{int64(len(all))}}
			for _, v := range all {
				var err error
				if in.data, err = appendScalar(in.data, d, []byte(v)); err != nil {
					t.Fatal(err)
				}
			}
			for _, raw := range []bool{true, false} {
				if !raw && contentsField(d) == 0 {
					continue
				}
				var r result
				if err := r.read(tellOutput("id", in, raw)); err != nil {
					t.Fatal(err)
				}
				if err := r.check("id"); err != nil || string(r.outputs[0].data) != string(in.data) {
					t.Errorf("raw %v: %v, %x, want %x", raw, err, r.outputs[0].data, in.data)
				}
			}
		})
	}
}

func FuzzAnAnswerOverGRPC(f *testing.F) {
	f.Add([]byte(tellOutput("id", tensor{name: "y", datatype: typeFP32, shape: []int64{2, 1}, data: make([]byte, 8)}, true)))
	f.Add([]byte(tellOutput("id", tensor{name: "y", datatype: typeInt8, shape: []int64{2}, data: []byte{1, 0xff}}, false)))
	f.Add([]byte(tellOutput("id", tensor{name: "y", datatype: typeBytes, shape: []int64{1}, data: appendText(nil, []byte("a"))}, false)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r result
		if r.read(b) == nil {
			parted(t, &r)
		}
		_ = new(describedModel).read(b)
		_ = new(readiness).read(b)
	})
}

func FuzzAnAnswerOverHTTP(f *testing.F) {
	f.Add([]byte(`{"outputs":[{"name":"y","datatype":"FP32","shape":[2],"data":[1,2]}]}`), "")
	f.Add([]byte(`{"outputs":[{"name":"y","datatype":"INT8","shape":[2],"parameters":{"binary_data_size":2}}]}ab`), "83")
	f.Add([]byte(`{"outputs":[{"name":"y","datatype":"BYTES","shape":[1,1],"data":[["a"]]}]}`), "x")
	f.Fuzz(func(t *testing.T, body []byte, length string) {
		reply := replyOf(body, length)
		if r, err := readReply(reply); err == nil {
			parted(t, r)
		}
	})
}

// parted parts an answer that passes its check; it must come out whole.
func parted(t *testing.T, r *result) {
	if r.check("") != nil {
		return
	}
	for _, n := range []int{1, 2, 3} {
		answers, err := r.answers("m", mediaJSON, n)
		if err == nil && len(answers) != n {
			t.Errorf("%d answers for %d events", len(answers), n)
		}
		_, _ = r.answers("m", mediaCSV, n)
	}
}

func TestValidateNamesPathValueAndRemedy(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*Config)
		want string
	}{
		{"no URL", func(c *Config) { c.URL = "" }, "url: it is empty; write for example http://"},
		{"no host", func(c *Config) { c.URL = "grpc:///x" }, `url: "grpc:///x" is not an http, https, grpc or grpcs URL with a host`},
		{"another scheme", func(c *Config) { c.URL = "tcp://h:1" }, `"tcp://h:1" is not an http`},
		{"the protocol's path", func(c *Config) { c.URL = "http://h/v2/models/m" }, "end it before /v2"},
		{"gRPC with a path", func(c *Config) { c.URL = "grpc://h:1/x" }, "which gRPC does not"},
		{"gRPC without a port", func(c *Config) { c.URL = "grpc://h" }, "add it, for example :8001"},
		{"a password", func(c *Config) { c.URL = "http://u:hidden@h" }, "headers.Authorization"},
		{"a query", func(c *Config) { c.URL = "http://h?x" }, "after ? or #"},
		{"no model", func(c *Config) { c.Model = "" }, "model: it is empty"},
		{"a model like a path", func(c *Config) { c.Model = "a/b" }, `model: "a/b" has a character`},
		{"an input of no kind", func(c *Config) { c.Inputs = []InputConfig{{"x", "FLOAT", []int64{-1}}} }, `inputs[0].datatype: datatype "FLOAT" is none`},
		{"an input without a shape", func(c *Config) { c.Inputs = []InputConfig{{"x", "FP32", nil}} }, "inputs[0].shape: it has 0 dimensions"},
		{"an input of no length", func(c *Config) { c.Inputs = []InputConfig{{"x", "FP32", []int64{-1, 0}}} }, "inputs[0].shape[1]: 0 is no length"},
		{"an output twice", func(c *Config) { c.Outputs = []string{"y", "y"} }, `outputs[1]: "y" is empty or there twice`},
		{"neither on nor off", func(c *Config) { c.Binary = "yes" }, `binary: "yes"`},
		{"a header of ours", func(c *Config) { c.Headers = map[string]setting.Secret{"x-deadline-ms": {}} }, "is set by betimes"},
		{"no call", func(c *Config) { c.Connections = 0 }, "connections: 0 leaves no call"},
		{"no time", func(c *Config) { c.Timeout = 0 }, "timeout: 0s"},
		{"no probe", func(c *Config) { c.Probe = 0 }, "probe: 0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := DefaultConfig()
			c.URL, c.Model = "http://127.0.0.1:8000", "m"
			if ps := c.Validate(); len(ps) != 0 {
				t.Fatalf("the default: %v", ps)
			}
			tt.edit(&c)
			ps := c.Validate()
			if len(ps) != 1 || !strings.Contains(ps[0].Error(), tt.want) || strings.Contains(ps[0].Error(), "hidden") {
				t.Errorf("got %v, want %q", ps, tt.want)
			}
		})
	}
}

func BenchmarkInvoke(b *testing.B) {
	for name, start := range map[string]func(testing.TB, *stub) Config{"http": startHTTP, "grpc": startGRPC} {
		b.Run(name, func(b *testing.B) {
			c := start(b, &stub{binary: true})
			e, err := New(c, Deps{Name: "stub"})
			if err != nil {
				b.Fatal(err)
			}
			defer e.Close()
			r := &model.Request{ContentType: "text/csv", InferenceID: "id", Items: []model.Item{{Body: []byte(strings.Repeat("1.5,", 50) + "1")}}}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Invoke(b.Context(), r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestNoNumberChangesOnItsWay(t *testing.T) {
	for _, x := range []float64{math.Pi, 0.1, 1e-7, 123456789.125} {
		data, err := appendFloat(nil, typeFP64, x)
		if err != nil {
			t.Fatal(err)
		}
		text, err := element{typeFP64, data}.appendNumber(nil)
		if back, _ := strconv.ParseFloat(string(text), 64); err != nil || back != x {
			t.Errorf("%v became %s, %v", x, text, err)
		}
	}
}
