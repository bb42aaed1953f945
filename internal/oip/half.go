package oip

import "math"

// fromHalf reads an IEEE 754 number of 16 bits.
func fromHalf(h uint16) float64 {
	sign, exponent, fraction := 1.0, int(h>>10)&0x1f, float64(h&0x3ff)
	if h&0x8000 != 0 {
		sign = -1
	}
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 0x1f:
		if fraction != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

// toHalf rounds to the nearest number of 16 bits, ties to even; false when x is
// finite and too large.
func toHalf(x float64) (uint16, bool) {
	sign := uint16(0)
	if math.Signbit(x) {
		sign, x = 0x8000, -x
	}
	switch {
	case math.IsNaN(x):
		return 0x7e00, true
	case math.IsInf(x, 0):
		return sign | 0x7c00, true
	case x >= 65520: // would round to infinity
		return 0, false
	case x < 0x1p-14: // without a leading one; may round up to the first with it
		return sign | uint16(math.RoundToEven(math.Ldexp(x, 24))), true
	}
	fraction, exponent := math.Frexp(x) // 0.5 ≤ fraction < 1
	units := uint16(math.RoundToEven(math.Ldexp(fraction, 11)))
	return sign | (uint16(exponent+13)<<10 + units), true // the carry of a full fraction raises the exponent
}

// fromBrain reads a bfloat16: the upper half of 32 bits.
func fromBrain(h uint16) float64 { return float64(math.Float32frombits(uint32(h) << 16)) }

// toBrain rounds to the nearest bfloat16, ties to even.
func toBrain(x float64) (uint16, bool) {
	if math.IsNaN(x) {
		return 0x7fc0, true
	}
	bits := math.Float32bits(float32(x))
	rounded := uint16((uint64(bits) + 0x7fff + uint64(bits>>16&1)) >> 16)
	return rounded, math.IsInf(x, 0) || !math.IsInf(fromBrain(rounded), 0)
}
