package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"betimes/internal/lab/learn"
)

// scorer answers with a model of learn, in the formats of the algorithm's AWS container.
type scorer struct {
	inProcess
	model  learn.Model
	linear bool
	label  func(float64) int // of a linear classifier; nil: scores only
}

func newScorer(m learn.Model, linear bool, workers int) *scorer {
	s := &scorer{inProcess: inProcess{workers}, model: m, linear: linear}
	if linear && classifies(m) {
		s.label = func(v float64) int {
			if v > 0.5 {
				return 1
			}
			return 0
		}
	}
	return s
}

// classifies looks into a linear model's file: only a classifier has labels.
func classifies(m learn.Model) bool {
	var file bytes.Buffer
	var content struct {
		Linear struct {
			Logistic bool `json:"logistic"`
		} `json:"linear_learner"`
	}
	return m.Write(&file) == nil && json.Unmarshal(file.Bytes(), &content) == nil && content.Linear.Logistic
}

// Invoke answers one score per record, in order.
func (s *scorer) Invoke(_ context.Context, call *Call) (Answer, error) {
	if len(call.Body) == 0 {
		return Answer{Status: http.StatusNoContent}, nil
	}
	var t table
	if err := s.read(&t, call); err != nil {
		return refuse(http.StatusUnsupportedMediaType, err.Error()), nil
	}
	if t.width != s.model.Features() {
		return refuse(http.StatusBadRequest, fmt.Sprintf("Feature size of inference data %d is not consistent with feature size of trained model %d.", t.width, s.model.Features())), nil
	}
	if c, ok := s.model.(learn.Classifier); ok && c.Classes() > 0 {
		return s.writeClasses(call, &t, c), nil
	}
	values := make([]float64, t.rows)
	for i := range values {
		values[i] = s.model.Predict(t.values[i*t.width : (i+1)*t.width])
	}
	return s.write(call, values), nil
}

func (s *scorer) read(t *table, call *Call) error {
	kind := mediaType(call.ContentType)
	var err error
	switch {
	case kind == "text/csv":
		err = t.readCSV(string(call.Body))
	case kind == recordIO:
		err = t.readRecordIO(call.Body, s.linear)
	case !s.linear && (kind == "" || kind == "text/libsvm" || kind == "text/x-libsvm"):
		err = t.readLibSVM(string(call.Body), s.model.Features())
	case s.linear && kind == "application/json":
		err = t.readJSON(call.Body)
	case s.linear && kind == "application/jsonlines":
		err = t.readJSONLines(call.Body)
	default:
		return Said(fmt.Sprintf("Content-type %q is not supported here.", call.ContentType))
	}
	if err != nil {
		return Said(fmt.Sprintf("Loading %s data failed with Exception, please ensure data is in %s format: %v", kind, kind, err))
	}
	return nil
}

func (s *scorer) write(call *Call, values []float64) Answer {
	accept := mediaType(call.Accept)
	if accept == "" || accept == "*/*" {
		accept = "text/csv"
		if s.linear {
			accept = "application/json"
		}
	}
	out := call.Out[:0]
	switch accept {
	case "text/csv":
		return Answer{Status: http.StatusOK, ContentType: "text/csv; charset=utf-8", Body: appendLines(out, values)}
	case "application/json":
		return Answer{Status: http.StatusOK, ContentType: "application/json", Body: appendPredictions(out, values, s.label)}
	case "application/jsonlines":
		for _, v := range values {
			out = append(appendScore(out, v, s.label), '\n')
		}
		return Answer{Status: http.StatusOK, ContentType: "application/jsonlines", Body: out}
	}
	if accept == recordIO {
		return Answer{Status: http.StatusOK, ContentType: recordIO, Body: appendRecords(out, values, s.label)}
	}
	return refuse(http.StatusNotAcceptable, fmt.Sprintf("Accept type %q is not supported.", call.Accept))
}

// mediaType is the type without parameters, in lower case.
func mediaType(text string) string {
	kind, _, _ := strings.Cut(text, ";")
	return strings.ToLower(strings.TrimSpace(kind))
}
