package modeltest

import (
	"context"
	"testing"

	"betimes/internal/model"
)

// Scripted is a Fake that behaves as the exercise asks; what a door finds out
// by reading the answer, the script says.
func Scripted(t *testing.T, b Behaviour) model.Invoker {
	f := &Fake{Default: Step{Delay: b.Delay, Fail: b.Fail}}
	if b.Oversize {
		f.Default.Fail = model.ClassBadOutput
	}
	if b.Body != nil {
		f.Respond = func(_ context.Context, r *model.Request) Step {
			c, err := model.CodecFor(r.ContentType)
			if err != nil {
				t.Error(err)
			}
			if _, err := c.Split(b.Body, r.ContentType, len(r.Items)); err != nil {
				return Step{Fail: model.ClassBadOutput}
			}
			return Step{}
		}
	}
	if b.Refuse != "" {
		f.Respond = func(_ context.Context, r *model.Request) Step {
			for i := range r.Items {
				if b.Refuses(r.Items[i].Body) {
					return Step{Fail: model.ClassBadInput}
				}
			}
			return Step{}
		}
	}
	for range b.HangFor {
		f.Script(Step{Hold: make(chan struct{}), Begun: b.Reached})
	}
	return f
}
