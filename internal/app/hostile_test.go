package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// harm is what a bad endpoint does instead of an answer, and the reason of the event
// that it does it for.
type harm struct {
	name   string
	reason string
	timely bool // only a timeout ends it: SageMaker's is a minute
	away   bool // as if it were away, but for others
	do     func(w http.ResponseWriter, r *http.Request)
}

func harms() []harm {
	const garbage, broken = "bad_model_output", "model_error"
	return []harm{
		{"hangs", broken, true, false, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		{"trickles", broken, true, false, func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				<-time.After(20 * time.Millisecond)
			}
		}},
		{"resets", broken, false, true, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = conn.(*net.TCPConn).SetLinger(0)
				conn.Close()
			}
		}},
		{"crashes behind a proxy", broken, false, true, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>502 Bad Gateway</html>", http.StatusBadGateway)
		}},
		{"is a page", garbage, false, false, says("text/html", "<!doctype html><title>Welcome to nginx!</title>")},
		{"says less", garbage, false, false, says("application/json", `{"predictions":[],"outputs":[]}`)},
		{"says NaN", garbage, false, false, says("application/json", `{"predictions":[[NaN]],"outputs":[{"name":"y","datatype":"FP64","shape":[1,1],"data":[NaN]}]}`)},
		{"sends 2 GB", garbage, false, false, func(w http.ResponseWriter, _ *http.Request) {
			for range 2 << 10 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}},
		{"announces 2 GB", garbage, false, false, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(2<<30))
			_, _ = io.WriteString(w, "1")
		}},
	}
}

func says(media, text string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", media)
		_, _ = io.WriteString(w, text)
	}
}

// asRows are the rows of a request of any door: a number, and 1 for an event that is meant
// to harm.
func asRows(body []byte) (rows [][2]float64) {
	var asked struct {
		Instances [][2]float64
		Inputs    []struct{ Data []float64 }
	}
	if json.Unmarshal(body, &asked) != nil {
		return nil
	}
	for _, in := range asked.Inputs {
		for i := 0; i+1 < len(in.Data); i += 2 {
			asked.Instances = append(asked.Instances, [2]float64{in.Data[i], in.Data[i+1]})
		}
	}
	return asked.Instances
}

// server is a model behind a door. It does harm to calls about a row that is meant to,
// or to all.
func server(t *testing.T, h harm, all bool) (url string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		rows := asRows(body)
		bad := all && len(rows) > 0
		for _, row := range rows {
			bad = bad || row[1] == 1
		}
		switch {
		case bad:
			h.do(w, r)
		case len(rows) > 0:
			<-time.After(5 * time.Millisecond) // others come meanwhile, and wait
			answerRows(w, r, rows)
		case strings.HasSuffix(r.URL.Path, "/v2/models/m"):
			says("application/json", `{"name":"m","platform":"stub","inputs":[{"name":"x","datatype":"FP64","shape":[-1,2]}],"outputs":[{"name":"y","datatype":"FP64","shape":[-1,1]}]}`)(w, r)
		case strings.HasPrefix(r.URL.Path, "/v2"):
			says("application/json", `{}`)(w, r)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func answerRows(w http.ResponseWriter, r *http.Request, rows [][2]float64) {
	var numbers, lists []string
	for _, row := range rows {
		numbers = append(numbers, fmt.Sprint(row[0]))
		lists = append(lists, fmt.Sprintf("[%v]", row[0]))
	}
	text := fmt.Sprintf(`{"predictions":[%s]}`, strings.Join(lists, ","))
	if strings.HasPrefix(r.URL.Path, "/v2") {
		text = fmt.Sprintf(`{"model_name":"m","outputs":[{"name":"y","datatype":"FP64","shape":[%d,1],"data":[%s]}]}`, len(rows), strings.Join(numbers, ","))
	}
	says("application/json", text)(w, r)
}

// door leads to a server. A call lasts so long at most where that can be said.
func door(name, url string, timeout time.Duration) string {
	switch name {
	case "rest":
		return fmt.Sprintf(`rest: {url: "%s/invocations", timeout: %s}`, url, timeout)
	case "oip":
		return fmt.Sprintf(`oip: {url: "%s", model: m, timeout: %s, binary: off}`, url, timeout)
	}
	return fmt.Sprintf(`sagemaker: {endpoint: m, url: %q, region: us-east-1}`, url)
}

// bad is a model whose only endpoint, or one of two, does harm.
type bad struct {
	harm
	id, door string
	spare    bool // there is another that works; the bad one then does harm to every call
}

func allBad(timely bool) (all []bad) {
	for _, door := range []string{"rest", "oip", "sagemaker"} {
		for i, h := range harms() {
			if behind := strings.Contains(h.name, "proxy"); h.timely == timely && !(door == "sagemaker" && (timely || behind)) {
				all = append(all, bad{h, fmt.Sprintf("%s-%d-alone", door, i), door, false}, bad{h, fmt.Sprintf("%s-%d-spare", door, i), door, true})
			}
		}
	}
	return all
}

// fileOf routes the events of each kind to its model. A failed call may always be made
// at the other endpoint. The attempts of an event last longer than an endpoint that works is
// left alone because a stalled machine made no connection in time.
func fileOf(t *testing.T, all []bad, timeout time.Duration) string {
	var models, routes strings.Builder
	for _, b := range all {
		to := door(b.door, server(t, b.harm, b.spare), timeout)
		if b.spare {
			to = fmt.Sprintf("endpoints: [{name: %s-a, %s}, {name: %s-b, %s}]", b.id, to, b.id, door(b.door, server(t, b.harm, false), timeout))
		}
		together := "instances"
		if b.door == "oip" {
			together = "auto"
		}
		fmt.Fprintf(&models, "  %s: {%s, batch: %s}\n", b.id, to, together)
		fmt.Fprintf(&routes, "    - {when: 'kind == %q', model: %s}\n", b.id, b.id)
	}
	file := strings.Replace(onFreePorts, `flow: {gateway: {listen: "127.0.0.1:0"}}`, `flow:
  gateway: {listen: "127.0.0.1:0", key: /id, id: /id}
  batch: {max_events: 8}
  balance: {retries: 100%}
  stream: {concurrency: 1024, attempts: 4, backoff: {min: 300ms, max: 1s}}
  feature: {request: '[n, bad ? 1 : 0]'}
  route:
`+routes.String(), 1)
	return file + "models:\n" + models.String()
}

// posted are events of every kind; the one in the middle is meant to harm where told.
func posted(all []bad, round string, harmful bool) (bodies []string) {
	for i := range 12 {
		for _, b := range all {
			bodies = append(bodies, fmt.Sprintf(`{"id":"%s-%s-%d","kind":%q,"n":%d,"bad":%v}`, b.id, round, i, b.id, i, harmful && !b.spare && i == 6))
		}
	}
	return bodies
}

func TestABadEndpointHurtsOnlyTheEventsThatItIsBadToAndHoldsNoSlot(t *testing.T) {
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"} {
		t.Setenv(name, value)
	}
	t.Run("by what it says", func(t *testing.T) { hurts(t, allBad(false), time.Minute) })
	t.Run("by saying nothing", func(t *testing.T) { hurts(t, allBad(true), time.Second) })
}

// hurts posts good and harmful events to all and says which ended otherwise than they
// should.
func hurts(t *testing.T, all []bad, timeout time.Duration) {
	before := runtime.NumGoroutine()
	t.Run("asked", func(t *testing.T) {
		a, at := startFile(t, fileOf(t, all, timeout))
		shared, sent := 0, 0
		for _, round := range []string{"first", "then"} {
			harmful := round == "then"
			over := others(t, at, all, harmful)
			for i, end := range togetherPosted(t, at, posted(all, round, harmful)) {
				b, n := all[i%len(all)], i/len(all)
				shared += min(max(end.Batch-1, 0), 1)
				switch {
				case harmful && n == 6 && !b.spare:
					if end.Place != "dead_letter" || end.Reason != b.reason {
						t.Errorf("%s, whose endpoint %s: it ended in %q for %q, want %s", b.id, b.name, end.Place, end.Reason, b.reason)
					}
				case !regexp.MustCompile(fmt.Sprintf(`\[%d\]`, n)).Match(end.Prediction):
					t.Errorf("%s, whose endpoint %s: event %d of %s ended in %q for %q: %s", b.id, b.name, n, round, end.Place, end.Reason, end.Prediction)
				}
			}
			sent += over()
		}
		if shared == 0 {
			t.Error("no event shared a call")
		}
		if ends := allEndings(t, a, 24*len(all)+sent); ends["predicted"]+ends["dead_letter"] != float64(24*len(all)+sent) {
			t.Errorf("%v of %d events", ends, 24*len(all)+sent)
		}
		reached(t, "no call under way", func() bool { return underWay(t, at) == 0 })
	})
	reached(t, "no goroutine left", func() bool {
		http.DefaultClient.CloseIdleConnections()
		return runtime.NumGoroutine() <= before
	})
}

// others has endpoints that seem away asked about one more good event after the
// other until over is called: one that answers others is not away. over tells how many.
func others(t *testing.T, at Addresses, all []bad, harmful bool) (over func() int) {
	var ended atomic.Bool
	var sent atomic.Int64
	var load sync.WaitGroup
	for _, b := range all {
		if !b.away || b.spare || !harmful {
			continue
		}
		load.Go(func() {
			for i := 100; !ended.Load(); i++ {
				sent.Add(1)
				if code, text := post(t, at, fmt.Sprintf(`{"id":"%s-%d","kind":%q,"n":%d,"bad":false}`, b.id, i, b.id, i)); code != http.StatusOK {
					t.Errorf("%s: event %d: %d %s", b.id, i, code, text)
					return
				}
			}
		})
	}
	return func() int {
		ended.Store(true)
		load.Wait()
		return int(sent.Load())
	}
}

// underWay is how many calls the page says there are.
func underWay(t *testing.T, at Addresses) (n int) {
	t.Helper()
	resp, err := http.Get("http://" + at.Dashboard + "/api/v1/endpoints")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var page struct {
		Endpoints []struct {
			InFlight int `json:"in_flight"`
		}
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil || json.Unmarshal(text, &page) != nil || len(page.Endpoints) == 0 {
		t.Fatalf("%s: %v", text, err)
	}
	for _, e := range page.Endpoints {
		n += e.InFlight
	}
	return n
}
