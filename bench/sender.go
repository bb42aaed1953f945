package main

import (
	"encoding/json"
	"fmt"
	"time"

	"betimes/bench/floor/load"
)

// sender is the process that sends one run's load. It goes before all others of
// its core and never collects garbage.
type sender struct {
	part *part
}

func startSender(order load.Order) (*sender, error) {
	p, err := startPart(first, "off", partSend)
	if err != nil {
		return nil, err
	}
	s := &sender{p}
	var ready string
	if err = json.NewEncoder(p.stdin).Encode(order); err == nil {
		err = p.hear(&ready)
	}
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// stop ends the process, also in the midst of its sending.
func (s *sender) stop() {
	s.part.cmd.Process.Kill()
	s.part.stop()
}

// send is a load.Sender.
func (s *sender) send(start time.Time) ([]time.Duration, error) {
	if _, err := fmt.Fprintln(s.part.stdin, start.UnixNano()); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	var lags []time.Duration
	return lags, s.part.hear(&lags)
}
