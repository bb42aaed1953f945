//go:build !interop

package main

import (
	"context"
	"errors"
)

const realBrokers = "none"

var errNoReal = errors.New("-broker real needs go run -tags interop ./bench")

func holdBrokers(context.Context) error { return errNoReal }
