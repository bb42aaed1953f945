package main

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"betimes/bench/floor/load"
)

// batching is a model server of so many executors, whose calls take a time of their
// own and one for each of their records. The zero batching is none.
type batching struct {
	Executors int           `json:"executors"`
	Fixed     time.Duration `json:"fixed"`
	Each      time.Duration `json:"each"`
}

// executors do the calls of a model server in the order in which they come.
type executors struct {
	batching
	line chan job
	busy atomic.Int64 // ns that calls took in all
	slow atomic.Int64 // how many times as long they take
}

// job is one call.
type job struct {
	records int
	done    chan struct{}
}

// longLine is more calls than any system has under way.
const longLine = 1 << 16

func newExecutors(b batching) (*executors, error) {
	e := &executors{batching: b, line: make(chan job, longLine)}
	e.slow.Store(1)
	for range b.Executors {
		alarm, err := load.NewAlarm()
		if err != nil {
			return nil, err
		}
		go e.execute(alarm)
	}
	return e, nil
}

// execute is one executor.
func (e *executors) execute(alarm *load.Alarm) {
	for j := range e.line {
		began := time.Now()
		_ = alarm.Until(began.Add(time.Duration(e.slow.Load()) * (e.Fixed + time.Duration(j.records)*e.Each))) // a timer of the kernel that rang before
		e.busy.Add(int64(time.Since(began)))
		close(j.done)
	}
}

// work returns when a call is done.
func (e *executors) work(records int) {
	j := job{records, make(chan struct{})}
	e.line <- j
	<-j.done
}

// slowBy has the calls that begin from now on take ?times= as long.
func (s *stub) slowBy(w http.ResponseWriter, r *http.Request) {
	times, err := strconv.ParseInt(r.URL.Query().Get("times"), 10, 64)
	if err != nil || times < 1 || s.executors == nil {
		http.Error(w, "times: a whole number from 1, of a model with executors", http.StatusBadRequest)
		return
	}
	s.executors.slow.Store(times)
	w.WriteHeader(http.StatusNoContent)
}
