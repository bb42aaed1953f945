package main

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestAQuestionEndsWithTheRunThatAsksIt(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	var out strings.Builder
	if yes, err := agreed(ctx, pseudo(t), &out, "deploy"); yes || !errors.Is(err, context.Canceled) || out.String() != "deploy? [y/N] \n" {
		t.Errorf("%t, %v, %q", yes, err, out.String())
	}
}

func TestWithoutAPersonNothingIsAgreed(t *testing.T) {
	var out strings.Builder
	if yes, err := agreed(t.Context(), strings.NewReader("y\n"), &out, "deploy"); yes || err != nil || !strings.Contains(out.String(), "nobody to ask whether to deploy") {
		t.Errorf("%t, %v, %q", yes, err, out.String())
	}
}
