package learn

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// lightLink is how LightGBM makes an answer of a sum.
type lightLink int

const (
	lightIdentity lightLink = iota
	lightSigmoid
	lightExponential
	lightLogarithm // of cross_entropy_lambda
	lightSquare    // of reg_sqrt
	lightSoftmax
)

// lightLinks are the objectives that can be served, by LightGBM's names.
var lightLinks = map[string]lightLink{
	"binary": lightSigmoid, "cross_entropy": lightSigmoid, "cross_entropy_lambda": lightLogarithm, "multiclass": lightSoftmax, "multiclassova": lightSigmoid,
	"regression": lightIdentity, "regression_l1": lightIdentity, "huber": lightIdentity, "fair": lightIdentity, "quantile": lightIdentity, "mape": lightIdentity,
	"lambdarank": lightIdentity, "rank_xendcg": lightIdentity, "poisson": lightExponential, "gamma": lightExponential, "tweedie": lightExponential,
}

// readObjective reads the line objective, such as binary sigmoid:1.
func (f *lightForest) readObjective(line string) error {
	name, rest, _ := strings.Cut(line, " ")
	var known bool
	if f.link, known = lightLinks[name]; !known {
		return fmt.Errorf("objective %.40q is not supported; use one of %s", line, strings.Join(slices.Sorted(maps.Keys(lightLinks)), ", "))
	}
	f.slope = 1
	for word := range strings.FieldsSeq(rest) {
		option, value, _ := strings.Cut(word, ":")
		switch option {
		case "sigmoid":
			var err error
			if f.slope, err = strconv.ParseFloat(value, 64); err != nil || !(f.slope > 0) || math.IsInf(f.slope, 0) {
				return fmt.Errorf("objective %.40q has no slope such as sigmoid:1", line)
			}
		case "sqrt":
			f.link = lightSquare
		case "num_class":
			if value != strconv.Itoa(f.classes) {
				return fmt.Errorf("objective %.40q does not fit num_tree_per_iteration %d", line, f.classes)
			}
		}
	}
	many := f.link == lightSoftmax || name == "multiclassova"
	if many != (f.classes > 1) {
		return fmt.Errorf("objective %.40q does not fit num_tree_per_iteration %d", line, f.classes)
	}
	return nil
}

// answer is a sum in the terms of the objective.
func (l lightLink) answer(sum, slope float64) float64 {
	switch l {
	case lightSigmoid:
		return sigmoid(slope * sum)
	case lightExponential:
		return math.Exp(sum)
	case lightLogarithm:
		return math.Log1p(math.Exp(sum))
	case lightSquare:
		return math.Copysign(sum*sum, sum)
	}
	return sum
}
