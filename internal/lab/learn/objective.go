package learn

import (
	"fmt"
	"math"
)

// The objectives, by XGBoost's names.
const (
	binaryLogistic   = "binary:logistic"
	regLogistic      = "reg:logistic"
	binaryLogitRaw   = "binary:logitraw"
	regSquaredError  = "reg:squarederror"
	softProbability  = "multi:softprob"
	softClass        = "multi:softmax"
	binaryHinge      = "binary:hinge"
	smallestHessian  = 1e-16
	probabilityFloor = 1e-15
)

// isLogistic says whether an objective works on the logistic loss.
func isLogistic(objective string) bool {
	return objective == binaryLogistic || objective == regLogistic || objective == binaryLogitRaw
}

// How an answer is made of a margin.
type link int

const (
	unknownLink link = iota
	identity
	logistic
	logisticMargin // base_score is a probability, the answer a margin
	exponential
	sign
	perClass
)

// links are the objectives of models that can be served.
var links = map[string]link{
	binaryLogistic: logistic, regLogistic: logistic, binaryLogitRaw: logisticMargin, binaryHinge: sign, softProbability: perClass, softClass: perClass,
	regSquaredError: identity, "reg:linear": identity, "reg:squaredlogerror": identity, "reg:pseudohubererror": identity, "reg:absoluteerror": identity, "reg:quantileerror": identity,
	"rank:pairwise": identity, "rank:ndcg": identity, "rank:map": identity,
	"count:poisson": exponential, "reg:gamma": exponential, "reg:tweedie": exponential, "survival:cox": exponential, "survival:aft": exponential,
}

// asMargin is a base score as a margin.
func asMargin(objective string, base float64) float64 {
	switch links[objective] {
	case logistic, logisticMargin:
		return logit(base)
	case exponential:
		return math.Log(base)
	}
	return base
}

// answer is a margin in the terms of the objective.
func answer(objective string, margin float64) float64 {
	switch links[objective] {
	case logistic:
		return sigmoid(margin)
	case exponential:
		return math.Exp(margin)
	case sign:
		if margin > 0 {
			return 1
		}
		return 0
	}
	return margin
}

// fitsBase says whether a base score is one of the objective.
func fitsBase(objective string, base float64) bool {
	switch links[objective] {
	case logistic, logisticMargin:
		return base > 0 && base < 1
	case exponential:
		return base > 0 && !math.IsInf(base, 0)
	}
	return !math.IsNaN(base) && !math.IsInf(base, 0)
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func logit(p float64) float64 { return math.Log(p / (1 - p)) }

// greatestLabel bounds a label so that sums over a table stay finite as float32.
const greatestLabel = 1e30

// checkLabels refuses labels that the loss cannot take.
func checkLabels(labels []float64, binary bool) error {
	for i, y := range labels {
		if binary && y != 0 && y != 1 {
			return fmt.Errorf("row %d: label %g is neither 0 nor 1; use a regression objective or recode it", i+1, y)
		}
		if math.Abs(y) > greatestLabel {
			return fmt.Errorf("row %d: label %g is beyond %g; scale the labels", i+1, y, greatestLabel)
		}
	}
	return nil
}

// gradients sets g and h, the first and second derivative of the loss by the
// margin, for every row.
func gradients(logistic bool, positive float64, margin, labels, g, h []float64) {
	if !logistic {
		for i, y := range labels {
			g[i], h[i] = margin[i]-y, 1
		}
		return
	}
	for i, y := range labels {
		p := sigmoid(margin[i])
		w := 1.0
		if y == 1 {
			w = positive
		}
		g[i], h[i] = (p-y)*w, max(p*(1-p), smallestHessian)*w
	}
}

// metric is a figure of merit and whether more is better.
type metric struct {
	name string
	more bool
	of   func(margin, labels []float64) float64
}

// metricNamed returns the metric; all take margins.
func metricNamed(name string, logistic bool) metric {
	answer := func(m float64) float64 { return m }
	if logistic {
		answer = sigmoid
	}
	switch name {
	case "auc":
		return metric{name, true, AUC}
	case "logloss":
		return metric{name, false, logLoss}
	case "error":
		return metric{name, false, errorShare}
	case "mae":
		return metric{name, false, func(m, y []float64) float64 {
			return mean(m, y, func(m, y float64) float64 { return math.Abs(answer(m) - y) })
		}}
	default:
		return metric{"rmse", false, func(m, y []float64) float64 {
			return math.Sqrt(mean(m, y, func(m, y float64) float64 { return (answer(m) - y) * (answer(m) - y) }))
		}}
	}
}

func mean(margin, labels []float64, of func(m, y float64) float64) float64 {
	sum := 0.0
	for i, y := range labels {
		sum += of(margin[i], y)
	}
	return sum / float64(len(labels))
}

func logLoss(margin, labels []float64) float64 {
	return mean(margin, labels, func(m, y float64) float64 {
		p := min(max(sigmoid(m), probabilityFloor), 1-probabilityFloor)
		return -(y*math.Log(p) + (1-y)*math.Log(1-p))
	})
}

func errorShare(margin, labels []float64) float64 {
	return mean(margin, labels, func(m, y float64) float64 {
		if (m > 0) != (y > 0.5) {
			return 1
		}
		return 0
	})
}
