package main

import "context"

func backlog(ctx context.Context, o options, r *report) error { return nil }
func sustain(ctx context.Context, o options, r *report) error { return nil }
func starts(ctx context.Context, o options, r *report) error  { return nil }
func fuzz(ctx context.Context, o options, r *report) error    { return nil }
