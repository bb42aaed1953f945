package dashboard

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"betimes/internal/privacy"
)

// handler mounts a Dashboard on a bare mux and notes the role of each pattern.
func handler(t *testing.T, d *Dashboard) (http.Handler, map[string]string) {
	t.Helper()
	mux, roles := http.NewServeMux(), map[string]string{}
	d.Mount(func(pattern, role string, h http.Handler) {
		roles[pattern] = role
		mux.Handle(pattern, h)
	})
	return mux, roles
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestTheAPIAnswers(t *testing.T) {
	h, _ := handler(t, newDashboard(t, true))
	for name, c := range map[string]struct {
		path   string
		status int
		holds  string
	}{
		"latency of a window":           {"/api/v1/latency?window=1m", 200, `"stages":[{"stage":"gateway"`},
		"latency with its course":       {"/api/v1/latency", 200, `"series":[{"at"`},
		"the culprit":                   {"/api/v1/why?since=10m", 200, `"healthy":false`},
		"the culprit's stage":           {"/api/v1/why", 200, `"culprit":{"stage":"model"`},
		"the drawing":                   {"/api/v1/topology", 200, `"id":"model0"`},
		"a box without lines":           {"/api/v1/topology", 200, `"title":"Producers","lines":[]`},
		"the lag":                       {"/api/v1/lag", 200, `"records":21`},
		"the keys":                      {"/api/v1/keys", 200, `{"keys":[{"key":"card-4711","partition":3,"worker":"stream-0","per_s":8,"share":0.4,"waiting":2}]}`},
		"the budget":                    {"/api/v1/budget", 200, `{"stage":"model","need_us":5000,"may_us":108`},
		"how models are asked":          {"/api/v1/models", 200, `"would_be_late":120`},
		"what gateways turn away":       {"/api/v1/models", 200, `"admission":{"turned_away_per_s":1,`},
		"the endpoints":                 {"/api/v1/endpoints", 200, `"throttled":1`},
		"the instances":                 {"/api/v1/instances", 200, `"role":"gateway"`},
		"the changes":                   {"/api/v1/changes", 200, `"fraud is served by fraud-2"`},
		"all of it":                     {"/api/v1/summary", 200, `"pipeline":"v1-simplified"`},
		"an event":                      {"/api/v1/events/good", 200, `"place":"predicted"`},
		"an event whose id has slashes": {"/api/v1/events/a%2Fb", 404, "unknown_event"},
		"a span that is none":           {"/api/v1/why?since=soon", 400, `"field":"since"`},
		"a span beyond what is kept":    {"/api/v1/latency?window=48h", 400, "from 1s to 1h0m0s"},
		"a part that is not built":      {"/api/v1/alerts", 404, "not_found"},
		"the page":                      {"/", 200, "Where the time goes"},
		"the page's script":             {"/app.js", 200, "import"},
		"nothing else beside the page":  {"/page/app.js", 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := get(h, c.path)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.holds) {
				t.Errorf("%d %.300s, want %d with %s", w.Code, w.Body, c.status, c.holds)
			}
		})
	}
}

func TestOnlyThePageIsOpenToAll(t *testing.T) {
	_, roles := handler(t, newDashboard(t, false))
	for pattern, role := range roles {
		isData := strings.Contains(pattern, "/api/")
		if isData == (role == "") {
			t.Errorf("%s needs the role %q", pattern, role)
		}
	}
}

func TestWhatIsShownOfAnEvent(t *testing.T) {
	const card = "4111111111111111"
	for name, c := range map[string]struct {
		show    privacy.Show
		holds   []string
		without []string
	}{
		"no more than figures of it with none": {privacy.None, []string{`"key":"#`, `"place":"predicted"`}, []string{"card-4711", card, "0.93"}},
		"its key and score with keys":          {privacy.Keys, []string{`"key":"card-4711"`, `"score":0.93`}, []string{card}},
		"all of it with payloads":              {privacy.Payloads, []string{card, `"score":0.93`}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := handler(t, New(Deps{Source: frozen{}, Finder: finder{}, Plan: plan, Privacy: privacy.Policy{Show: c.show}}))
			body := get(h, "/api/v1/events/good").Body.String()
			for _, want := range c.holds {
				if !strings.Contains(body, want) {
					t.Errorf("%s does not hold %s", body, want)
				}
			}
			for _, secret := range c.without {
				if strings.Contains(body, secret) {
					t.Errorf("%s holds %s", body, secret)
				}
			}
		})
	}
}

func TestAnAnswerThatRepeatsThePayloadIsNotShown(t *testing.T) {
	for answer, want := range map[string]bool{
		`0.93`: true, `[0.1,0.9]`: true, `{"score":0.93,"fraud":true}`: true, `null`: true,
		`"text"`: false, `4111111111111111`: false, `{"card":"x"}`: false, `{"4111111111111111":1}`: false, `[[["x"]]]`: false, `{`: false,
	} {
		if got := figures(json.RawMessage(answer)); got != want {
			t.Errorf("%s: shown %v, want %v", answer, got, want)
		}
	}
}

func TestTheStreamSendsTheSummary(t *testing.T) {
	h, _ := handler(t, newDashboard(t, false))
	server := httptest.NewServer(h)
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/v1/stream?window=5m", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for range 2 {
		var frame [3]string
		for i := range frame {
			lines.Scan()
			frame[i] = lines.Text()
		}
		data, ok := strings.CutPrefix(frame[1], "data: ")
		var s Summary
		if !ok || frame[0] != "event: summary" || frame[2] != "" || json.Unmarshal([]byte(data), &s) != nil || s.Latency.Event.Count != 4800 {
			t.Fatalf("frame %.200q", frame)
		}
	}
}

func TestTheDrawingHasEveryPartOnce(t *testing.T) {
	for name, c := range map[string]struct {
		plan Plan
		want string
	}{
		"V1":            {plan, "producers gateway cluster stream consumers model0 training0"},
		"no gateway":    {Plan{Models: []PlanModel{{Name: "a"}, {Name: "b"}}}, "producers cluster stream consumers model0 model1"},
		"nothing known": {Plan{}, "producers cluster stream consumers"},
	} {
		t.Run(name, func(t *testing.T) {
			top := c.plan.draw(Summary{})
			known := map[string]bool{}
			var ids []string
			for _, b := range top.Boxes {
				known[b.ID] = true
				ids = append(ids, b.ID)
			}
			if got := strings.Join(ids, " "); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			for _, a := range top.Arrows {
				if !known[a.From] || !known[a.To] {
					t.Errorf("an arrow from %s to %s, which are not there", a.From, a.To)
				}
			}
		})
	}
}

func TestWhatIsOnlyReadRefusesOtherMethodsByName(t *testing.T) {
	h, roles := handler(t, newDashboard(t, true))
	for _, path := range []string{"/api/v1/why", "/api/v1/events/good", "/api/v1/stream"} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" || !strings.Contains(w.Body.String(), "method_not_allowed") {
				t.Errorf("%s %s answers %d, Allow %q: %s", method, path, w.Code, w.Header().Get("Allow"), w.Body)
			}
		}
	}
	for pattern, role := range roles {
		if strings.Contains(pattern, "/api/v1/") && role != "read" {
			t.Errorf("%s needs the role %q", pattern, role)
		}
	}
}
