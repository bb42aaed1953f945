package rest

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"betimes/internal/model"
)

// exchanged is one request to `mlflow models serve` and its answer, as
// `make campaign NAME=mlflow` wrote them down.
type exchanged struct {
	Name, Template, Sent, Answer string
	Fields, Bodies               []string
	Status                       int
	ContentType                  string `json:"content_type"`
	AnswerType                   string `json:"answer_type"`
}

func recorded(t *testing.T) map[string]exchanged {
	text, err := os.ReadFile("testdata/mlflow.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []exchanged
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	all := map[string]exchanged{}
	for _, x := range list {
		all[x.Name] = x
	}
	return all
}

// again asks a server that answers as MLflow did, and only to what MLflow was sent.
func (x exchanged) again(t *testing.T) (*model.Response, error) {
	c := at(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != x.Sent || r.Header.Get("Content-Type") != x.ContentType {
			t.Errorf("sent %s, MLflow was sent %s", body, x.Sent)
		}
		w.Header().Set("Content-Type", x.AnswerType)
		w.WriteHeader(x.Status)
		_, _ = io.WriteString(w, x.Answer)
	})
	c.Template = x.Template
	e, err := New(c, Deps{Name: "mlflow", Fields: x.Fields})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	r := &model.Request{ContentType: x.ContentType, Accept: "application/json"}
	for _, b := range x.Bodies {
		r.Items = append(r.Items, model.Item{Body: []byte(b)})
	}
	return e.Invoke(t.Context(), r)
}

func TestMLflowsAnswersArePartedAndItsRefusalsClassified(t *testing.T) {
	all := recorded(t)
	for name, want := range map[string]struct {
		answers string // of all events, with | between
		class   model.Class
	}{
		"columns and rows, one event":              {`{"predictions": [1]}`, 0},
		"columns and rows, six events":             {`{"predictions": [0]}|{"predictions": [0]}|{"predictions": [0]}|{"predictions": [0]}|{"predictions": [0]}|{"predictions": [1]}`, 0},
		"records of a request expression":          {`{"predictions": [1]}`, 0},
		"inputs":                                   {`{"predictions": [1]}`, 0},
		"instances without a template":             {`{"predictions": [1]}`, 0},
		"a column that the model does not know":    {"", model.ClassBadInput},
		"a text where a number belongs":            {"", model.ClassBadInput},
		"csv without its header":                   {"", model.ClassBadInput},
		"a body that MLflow does not know":         {"", model.ClassBadInput},
		"a content type that MLflow does not know": {"", model.ClassBadInput},
	} {
		t.Run(name, func(t *testing.T) {
			x, ok := all[name]
			if !ok || x.Status == 0 {
				t.Fatal("it is not recorded; run make campaign NAME=mlflow")
			}
			resp, err := x.again(t)
			if model.ClassOf(err) != want.class || (err == nil) != (want.class == 0) {
				t.Fatalf("got %v", err)
			}
			if err != nil {
				return
			}
			var got []string
			for _, a := range resp.Answers {
				got = append(got, strings.TrimSpace(string(a.Body)))
			}
			if text := strings.Join(got, "|"); text != want.answers {
				t.Errorf("got %s, want %s", text, want.answers)
			}
		})
	}
}
