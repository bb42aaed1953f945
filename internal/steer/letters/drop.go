package letters

import (
	"context"
	"errors"
)

// Drop lays letters aside: they are listed no more. Their records stay in the
// topic until its retention removes them.
func (b *Box) Drop(ctx context.Context, letters []Letter) (Report, error) {
	r := newRound(b, Order{Letters: letters})
	var err error
	for i := range letters {
		if err = r.take(ctx); err != nil {
			break
		}
		delete(r.pending, letters[i].At)
		r.note(&letters[i], Handled{Deed: Dropped})
	}
	if !errors.Is(err, errSilent) {
		err = errors.Join(err, r.settle())
	}
	if err == nil {
		_ = b.sweep(ctx) // what it leaves the next one takes
	}
	return r.report(false), err
}
