package app

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// oneAtOnce is onFreePorts with a model that takes one call at once, so that events
// wait for each other.
func oneAtOnce(model, request string) string {
	file := strings.Replace(onFreePorts, "flow: {gateway: {", "flow: {gateway: {key: /id, id: /id, ", 1)
	file = strings.Replace(file, `:0"}}`+"\nlab", `:0"}, batch: {max_events: 32}, stream: {concurrency: 64, attempts: 2}, feature: {request: "`+request+`"}}`+"\nlab", 1)
	return file + "models: {m: {" + model + "}}\n"
}

// reported is how an event ended, as the gateway tells who waits.
type reported struct {
	Prediction json.RawMessage `json:"prediction"`
	Place      string          `json:"place"`
	Reason     string          `json:"reason"`
	Batch      int             `json:"batch"`
}

// togetherPosted posts events at once and waits for their ends.
func togetherPosted(t *testing.T, at Addresses, bodies []string) []reported {
	t.Helper()
	out := make([]reported, len(bodies))
	var all sync.WaitGroup
	for i, body := range bodies {
		all.Go(func() {
			code, text := post(t, at, body)
			if err := json.Unmarshal([]byte(text), &out[i]); err != nil || code != http.StatusOK {
				t.Errorf("%s: %d %s", body, code, text)
			}
		})
	}
	all.Wait()
	return out
}

// rowsOf makes n events, each with a number of its own.
func rowsOf(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(`{"id":"%s-%d","amount":%d}`, prefix, i, i+1)
	}
	return out
}

// listModel answers {"predictions":[…]} with what it was asked, unless asked about
// several events.
func listModel(t *testing.T, several func(w http.ResponseWriter, numbers []int)) (url string, calls func() []int) {
	var mu sync.Mutex
	var sizes []int
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ Instances []int }
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		mu.Lock()
		sizes = append(sizes, len(asked.Instances))
		mu.Unlock()
		select { // its work
		case <-time.After(20 * time.Millisecond):
		case <-r.Context().Done():
		}
		if len(asked.Instances) > 1 {
			several(w, asked.Instances)
			return
		}
		predicted(w, asked.Instances)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() []int {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(sizes)
	}
}

func predicted(w http.ResponseWriter, numbers []int) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"predictions": numbers})
}

func TestAModelThatMayNotBeAskedTogetherIsAskedOneByOneAndNoEventIsHurt(t *testing.T) {
	for name, several := range map[string]func(http.ResponseWriter, []int){
		"it answers too few":         func(w http.ResponseWriter, n []int) { predicted(w, n[1:]) },
		"it swaps answers":           func(w http.ResponseWriter, n []int) { slices.Reverse(n); predicted(w, n) },
		"it has no batch dimension":  func(w http.ResponseWriter, _ []int) { http.Error(w, "expected shape (1)", http.StatusBadRequest) },
		"it breaks over two or more": func(w http.ResponseWriter, _ []int) { http.Error(w, "index", http.StatusInternalServerError) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, calls := listModel(t, several)
			a, at := startFile(t, oneAtOnce(`rest: {url: "`+url+`", connections: 1}, batch: instances`, "amount"))
			for round := 0; round < 2 || round < 20 && countOf(t, a, "betimes_batch_apart", "") != 1; round++ {
				for i, e := range togetherPosted(t, at, rowsOf(fmt.Sprint(round), 12)) {
					if want := fmt.Sprintf(`{"predictions":[%d]}`, i+1); string(e.Prediction) != want {
						t.Errorf("event %d ended with %s %s in %s, want %s", i, e.Reason, e.Prediction, e.Place, want)
					}
				}
			}
			together := 0
			for _, n := range calls() {
				if n > 1 {
					together++
				}
			}
			if together != 2 || countOf(t, a, "betimes_batch_apart", "") != 1 {
				t.Errorf("%d calls about more than one event, apart %v", together, countOf(t, a, "betimes_batch_apart", ""))
			}
		})
	}
}

// countOf sums a metric over the series that have a label of this value; empty: all.
func countOf(t *testing.T, a *App, name, value string) (sum float64) {
	t.Helper()
	for _, f := range gathered(t, a, name) {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if value == "" && l.GetName() == "pipeline" || value != "" && l.GetValue() == value {
					sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
				}
			}
		}
	}
	return sum
}

func TestOneBrokenEventOfManyIsTheOnlyDeadLetterAndCostsAtMostElevenCalls(t *testing.T) {
	// Nobody is late: for who would be, one more call may begin.
	file := "objective: {latency: 10m}" + oneAtOnce("sagemaker: {connections: 1}, train: {algorithm: xgboost, data: builtin:payments, label: fraud}", "[amount, 3, 0.5, 0.5]")
	a, at := startFile(t, file)
	e := emulated{t, at.AWS}
	wait := func(n float64) { // while a call is held
		t.Helper()
		reached(t, fmt.Sprintf("%v events wait for a call", n), func() bool { return countOf(t, a, "betimes_batch_waiting_events", "m") == n })
	}
	var first, holder sync.WaitGroup
	e.hold()
	first.Go(func() { togetherPosted(t, at, rowsOf("first", 8)) })
	wait(7) // so that the model is compared
	e.release()
	first.Wait()
	broken := rowsOf("then", 32)
	broken[20] = `{"id":"broken","amount":"a lot"}`
	before := e.calls()
	e.hold()
	holder.Go(func() { togetherPosted(t, at, rowsOf("holds", 1)) })
	e.held()
	holder.Go(func() {
		for i, end := range togetherPosted(t, at, broken) {
			switch {
			case i == 20 && (end.Place != "dead_letter" || end.Reason != "model_input"):
				t.Errorf("the broken event ended in %s for %s", end.Place, end.Reason)
			case i != 20 && len(end.Prediction) == 0:
				t.Errorf("event %d ended in %s for %s", i, end.Place, end.Reason)
			}
		}
	})
	wait(32)
	e.release()
	holder.Wait()
	if n := e.calls() - before; n > 12 {
		t.Errorf("%d calls about 32 events after the one that held them up", n-1)
	}
	if ends := allEndings(t, a, 8+1+32); ends["dead_letter"] != 1 || ends["predicted"] != 8+1+31 {
		t.Errorf("%v", ends)
	}
}

// allEndings waits until so many events have ended, and tells where: who waits for an
// event reads its topic, maybe before it is counted.
func allEndings(t *testing.T, a *App, n int) (ends map[string]float64) {
	t.Helper()
	reached(t, fmt.Sprintf("%d endings are counted", n), func() bool {
		ends = endings(t, a)
		sum := 0.0
		for _, one := range ends {
			sum += one
		}
		return sum >= float64(n)
	})
	return ends
}

// emulated is the emulator's own interface.
type emulated struct {
	t  *testing.T
	at string
}

func (e emulated) do(method, path, body string) string {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), method, "http://"+e.at+path, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode > 299 {
		e.t.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, text, err)
	}
	return string(text)
}

// hold keeps the next invocation until release.
func (e emulated) hold() {
	e.do("POST", "/_emu/faults", `{"match":{"operation":"InvokeEndpoint"},"fault":"stuck","count":1}`)
}

func (e emulated) release() { e.do("DELETE", "/_emu/faults", "") }

// held waits until an invocation is held.
func (e emulated) held() {
	for until := time.Now().Add(20 * time.Second); !strings.Contains(e.do("GET", "/_emu/faults", ""), `"hits":1`); {
		if time.Now().After(until) {
			e.t.Fatal("no call came")
		}
	}
}

// calls counts the invocations in the journal.
func (e emulated) calls() (n int) {
	lines := bufio.NewScanner(strings.NewReader(e.do("GET", "/_emu/journal", "")))
	for lines.Scan() {
		var entry struct{ Kind, Operation string }
		if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Kind == "request" && entry.Operation == "InvokeEndpoint" {
			n++
		}
	}
	return n
}
