package main

import "time"

// edges is told of both ends of the window. Where the model's cost changes it is told of
// it from the first one on.
func (r trial) edges(w *window, model *tellings, around *servers) func(begins bool) {
	if r.scenario.kind != changes {
		return w.edge
	}
	return func(begins bool) {
		if begins {
			model.plan(r.shape().WarmUp, r.window, around.slow)
		}
		w.edge(begins)
	}
}

// readTrips reads what only scenarios with their trips tell.
func (r trial) readTrips(res *result, w *window, model *tellings) (err error) {
	shape := r.shape()
	switch r.scenario.kind {
	case bursts:
		each := w.ended.Worked - w.began.Worked
		line := executorsOf{r.scenario.batches.Executors, each / time.Duration(max(res.calls, 1))}
		res.wave = waveOf(res.Trips, shape.WarmUp, shape.Burst, shape.Window, line)
	case changes:
		res.course, err = model.course(res.Trips, shape.WarmUp+shape.Window)
		res.course.settle()
	}
	res.Trips = nil
	return err
}
