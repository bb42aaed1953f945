package rollout

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"betimes/internal/model"
)

const (
	rowsPerCall = 50
	callTimeout = 60 * time.Second
)

// ask gives the score of each row of a part.
func (r *run) ask(ctx context.Context, endpoint string, rows part) ([]float64, error) {
	e, done, err := r.examiner(endpoint)
	if err != nil {
		return nil, err
	}
	defer done()
	_, features := rows.values()
	for len(e.scores) < len(features) {
		if err := e.next(ctx, features); err != nil {
			return nil, err
		}
	}
	return e.scores, nil
}

func (r *run) examiner(endpoint string) (*examiner, func(), error) {
	codec, err := model.CodecFor(r.plan.ContentType)
	if err != nil {
		return nil, nil, r.wrong("content_type", "%w", err)
	}
	by, ok := codec.(model.RowCodec)
	if !ok {
		return nil, nil, r.wrong("content_type", "%s does not carry rows of numbers; write for example text/csv or application/json", r.plan.ContentType)
	}
	invoker, done, err := r.Ask(endpoint)
	if err != nil {
		return nil, nil, r.refused("sagemaker", err)
	}
	return &examiner{run: r, invoker: invoker, codec: by, perCall: rowsPerCall}, done, nil
}

// examiner asks row after row, several to a call where the model takes that.
type examiner struct {
	*run
	invoker model.Invoker
	codec   model.RowCodec
	perCall int
	scores  []float64
}

// next asks about the rows that are not scored yet.
func (e *examiner) next(ctx context.Context, rows [][]float64) error {
	from := len(e.scores)
	n := min(e.perCall, len(rows)-from)
	scores, err := e.call(ctx, rows[from:from+n])
	if err != nil && n > 1 && ctx.Err() == nil { // one of them is at fault, or it takes one only
		e.perCall = 1
		return nil
	}
	if err != nil {
		return e.explain(from, err)
	}
	e.scores = append(e.scores, scores...)
	return nil
}

func (e *examiner) explain(row int, err error) error {
	if failed, ok := errors.AsType[*model.Error](err); ok && failed.Class.OfEvent() {
		return e.wrong("content_type", "the model refuses row %d of those held out, sent as %s: %w; name what it takes, or train with the columns it expects", row+1, e.plan.ContentType, err)
	}
	return e.wrong("train", "row %d of those held out: %w", row+1, err)
}

func (e *examiner) call(ctx context.Context, rows [][]float64) ([]float64, error) {
	items := make([]model.Item, len(rows))
	for i, row := range rows {
		items[i] = model.Item{Body: e.codec.AppendRow(nil, row)}
		if n := len(rows); n > 1 && !e.codec.Joinable(items[i].Body) {
			return nil, errors.New("rows cannot share a call")
		}
	}
	resp, err := e.patientCall(ctx, e.request(items))
	if err != nil {
		return nil, err
	}
	scores := make([]float64, len(rows))
	for i, a := range resp.Answers {
		if a.Err != nil {
			return nil, a.Err
		}
		value, err := e.codec.Decode(a.Body, resp.ContentType)
		if err != nil {
			return nil, err
		}
		if scores[i], err = scoreOf(value); err != nil {
			return nil, err
		}
	}
	return scores, nil
}

func (e *examiner) request(items []model.Item) *model.Request {
	return &model.Request{Model: e.plan.Model, ContentType: e.plan.ContentType, Accept: cmp.Or(e.plan.Accept, e.plan.ContentType), Items: items}
}

// patientCall asks again while the endpoint is at fault for a while.
func (e *examiner) patientCall(ctx context.Context, req *model.Request) (*model.Response, error) {
	until := time.Now().Add(patience)
	for wait := firstBackoff; ; wait = min(2*wait, lastBackoff) {
		limited, cancel := context.WithTimeout(ctx, callTimeout)
		resp, err := e.invoker.Invoke(limited, req)
		cancel()
		if err == nil || !passes(err) || time.Now().After(until) {
			return resp, err
		}
		if stopped := sleep(ctx, wait); stopped != nil {
			return nil, stopped
		}
	}
}

func passes(err error) bool {
	switch model.ClassOf(err) {
	case model.ClassThrottled, model.ClassNotReady, model.ClassUnavailable, model.ClassConnection:
		return true
	}
	return false
}

var errNoScore = errors.New("the answer holds no single score: a number, a list of one number or of the two probabilities, or an object with score, prediction, predictions, probability or probabilities is understood")

// scoreOf finds the number in an answer.
func scoreOf(answer json.RawMessage) (float64, error) {
	var v any
	if err := json.Unmarshal(answer, &v); err != nil {
		return 0, fmt.Errorf("the answer cannot be read: %w", err)
	}
	s, ok := scoreIn(v, maxNesting)
	if !ok || math.IsNaN(s) || math.IsInf(s, 0) {
		return 0, errNoScore
	}
	return s, nil
}

// maxNesting is how deep a score may lie.
const maxNesting = 6

func scoreIn(v any, deep int) (float64, bool) {
	if deep == 0 {
		return 0, false
	}
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		s, err := strconv.ParseFloat(v, 64)
		return s, err == nil
	case []any:
		return scoreInList(v, deep-1)
	case map[string]any:
		for _, name := range []string{"score", "probability", "probabilities", "prediction", "predictions", "predicted_value"} {
			if inner, there := v[name]; there {
				return scoreIn(inner, deep-1)
			}
		}
	}
	return 0, false
}

// scoreInList: of two probabilities that make 1 the second is that of class 1.
func scoreInList(v []any, deep int) (float64, bool) {
	const nearOne = 1e-3
	if len(v) == 2 {
		zero, isNumber := v[0].(float64)
		one, alsoNumber := v[1].(float64)
		return one, isNumber && alsoNumber && math.Abs(zero+one-1) < nearOne
	}
	if len(v) != 1 {
		return 0, false
	}
	return scoreIn(v[0], deep)
}
