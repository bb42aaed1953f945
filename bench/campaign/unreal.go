//go:build !interop

package main

import "errors"

func startReal(needs) (*place, error) {
	return nil, errors.New("-on: real brokers need the build tag interop: make campaign sets it, or go run -tags interop ./bench/campaign; else say -on embedded")
}
