package feature

import (
	"math"
	"strconv"

	"github.com/valyala/fastjson"
)

// isNumber says whether text is a number as JSON writes it.
func isNumber(text []byte) bool {
	i := 0
	if i < len(text) && text[i] == '-' {
		i++
	}
	whole := digits(text, i)
	if whole == i || (text[i] == '0' && whole > i+1) {
		return false
	}
	i = whole
	if i < len(text) && text[i] == '.' {
		fraction := digits(text, i+1)
		if fraction == i+1 {
			return false
		}
		i = fraction
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		i++
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		exponent := digits(text, i)
		if exponent == i {
			return false
		}
		i = exponent
	}
	return i == len(text)
}

// digits returns the index after the digits that begin at i.
func digits(text []byte, i int) int {
	for i < len(text) && text[i] >= '0' && text[i] <= '9' {
		i++
	}
	return i
}

// fault says why a value is no number. Its texts are constant: no payload in errors.
type fault string

// The faults of a single value.
const (
	faultNone    fault = ""
	faultText    fault = "is text; send a number, or convert it in flow.feature.request with float(field)"
	faultDeep    fault = "is a list or an object; name its parts in flow.feature.request"
	faultRange   fault = "is beyond what a 64-bit float can hold; send a smaller number"
	faultGrammar fault = "is not a number as JSON writes it"
)

// number reads a value as a feature: a number as it is, true and false as 1
// and 0, null and an absent field as missing (NaN). scratch is overwritten.
func number(v *fastjson.Value, scratch []byte) (float64, fault) {
	if v == nil {
		return math.NaN(), faultNone
	}
	switch v.Type() {
	case fastjson.TypeNumber:
		return parseNumber(v.MarshalTo(scratch[:0]))
	case fastjson.TypeTrue:
		return 1, faultNone
	case fastjson.TypeFalse:
		return 0, faultNone
	case fastjson.TypeNull:
		return math.NaN(), faultNone
	case fastjson.TypeString:
		return 0, faultText
	}
	return 0, faultDeep
}

func parseNumber(text []byte) (float64, fault) {
	if !isNumber(text) {
		return 0, faultGrammar
	}
	x, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return 0, faultRange
	}
	return x, faultNone
}

// value reads a number for an expression: int where it is written as one and
// fits, else float64.
func value(text []byte) (any, fault) {
	if !isNumber(text) {
		return nil, faultGrammar
	}
	if n, err := strconv.Atoi(string(text)); err == nil {
		return n, faultNone
	}
	x, f := parseNumber(text)
	return x, f
}
