package oip

import (
	"fmt"
	"slices"
)

// datatype is the kind of a tensor's elements.
type datatype uint8

const (
	unknownType datatype = iota
	typeBool
	typeUint8
	typeUint16
	typeUint32
	typeUint64
	typeInt8
	typeInt16
	typeInt32
	typeInt64
	typeFP16
	typeBF16
	typeFP32
	typeFP64
	typeBytes
)

// datatypeNames are as the protocol writes them.
var datatypeNames = [...]string{
	"unknown", "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "BF16", "FP32", "FP64", "BYTES",
}

var datatypeSizes = [...]int{0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 0}

// String gives the name that the protocol has.
func (d datatype) String() string { return datatypeNames[d] }

// size is how many bytes an element takes; 0: each its own, BYTES.
func (d datatype) size() int { return datatypeSizes[d] }

// isFloat says whether an element may be missing: NaN.
func (d datatype) isFloat() bool { return d >= typeFP16 && d <= typeFP64 }

// isSigned and isUnsigned are the two kinds of whole numbers.
func (d datatype) isSigned() bool   { return d >= typeInt8 && d <= typeInt64 }
func (d datatype) isUnsigned() bool { return d >= typeUint8 && d <= typeUint64 }

func datatypeOf(name string) (datatype, error) {
	if i := slices.Index(datatypeNames[1:], name); i >= 0 {
		return datatype(i + 1), nil
	}
	return unknownType, fmt.Errorf("datatype %.20q is none of the protocol's", name)
}
