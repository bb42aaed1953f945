package fleet

import (
	"fmt"
	"net/http"
	"strconv"

	"betimes/internal/lab/learn"
)

// writeClasses answers one list of probabilities per record, as the container of XGBoost does for multi:softprob.
func (s *scorer) writeClasses(call *Call, t *table, model learn.Classifier) Answer {
	accept := mediaType(call.Accept)
	if accept == "" || accept == "*/*" {
		accept = "text/csv"
	}
	before, after, between, kind := "", "\n", "", accept
	switch accept {
	case "text/csv":
		kind = "text/csv; charset=utf-8"
	case "application/jsonlines":
		before, after = `{"score":[`, "]}\n"
	case "application/json":
		before, after, between = `{"score":[`, "]}", ","
	default:
		return refuse(http.StatusNotAcceptable, fmt.Sprintf("Accept type %q is not supported for a model of several classes.", call.Accept))
	}
	out := call.Out[:0]
	if accept == "application/json" {
		out = append(out, `{"predictions":[`...)
	}
	var scores []float64
	for i := range t.rows {
		if i > 0 {
			out = append(out, between...)
		}
		scores = model.Probabilities(t.values[i*t.width:(i+1)*t.width], scores[:0])
		out = append(appendList(append(out, before...), scores), after...)
	}
	if accept == "application/json" {
		out = append(out, "]}"...)
	}
	return Answer{Status: http.StatusOK, ContentType: kind, Body: out}
}

// appendList writes numbers with commas between.
func appendList(out []byte, numbers []float64) []byte {
	for i, x := range numbers {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendFloat(out, x, 'g', -1, 32)
	}
	return out
}
