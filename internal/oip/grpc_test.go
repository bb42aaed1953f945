package oip

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"betimes/internal/model"
)

// untold is a context whose time is over and that has not been told yet: its timer is late.
type untold struct {
	context.Context
	deadline time.Time
}

func (u untold) Deadline() (time.Time, bool) { return u.deadline, true }

func TestWhoSaysThatTheTimeIsOver(t *testing.T) {
	said := func(c codes.Code) error { return status.Error(c, "context deadline exceeded") }
	for name, c := range map[string]struct {
		left     time.Duration
		err      error
		answered bool
		class    model.Class
		caller   bool // the caller's own time was over
	}{
		"the server, who was told of the deadline, says so before the context does": {0, said(codes.DeadlineExceeded), true, model.ClassTimeout, true},
		"gRPC says so before the context does":                                      {0, said(codes.DeadlineExceeded), false, model.ClassTimeout, true},
		"the server has a limit of its own":                                         {time.Second, said(codes.DeadlineExceeded), true, model.ClassTimeout, false},
		"the connection broke at the last moment":                                   {0, said(codes.Unavailable), false, model.ClassConnection, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &overGRPC{name: "stub"}
				err := g.fault(untold{t.Context(), time.Now().Add(c.left)}, c.err, c.answered)
				if got := model.ClassOf(err); got != c.class {
					t.Errorf("class %s, want %s", got, c.class)
				}
				if got := errors.Is(err, context.DeadlineExceeded); got != c.caller {
					t.Errorf("the caller's own time: %v, want %v: %v", got, c.caller, err)
				}
			})
		})
	}
}
