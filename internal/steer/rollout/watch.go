package rollout

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"betimes/internal/sagemaker"
)

// How much of its log is shown of a job that failed.
const (
	shownLines = 10
	shownBytes = 300 // of a line
)

// How often a log that is short in coming is asked for, once its job has failed.
const (
	logAttempts = 5
	logPoll     = 2 * time.Second
)

// How often a log is looked at. AWS's takes seconds to show a line.
const (
	lookEvery    = 5 * time.Second
	emulatedLook = 500 * time.Millisecond
)

func (w *watch) lookEvery() time.Duration {
	if w.emulated {
		return emulatedLook
	}
	return lookEvery
}

// watch follows one training job: its states, and what its log says meanwhile.
type watch struct {
	*run
	log   *sagemaker.JobLog // nil: it cannot be read
	gauge *gauges
	state string // told last
}

func (r *run) watch(job string) *watch {
	w := &watch{run: r, gauge: newGauges(*r.plan.Train)}
	if r.Logs != nil {
		w.log = r.Logs.Job(job)
	}
	return w
}

// told says a state once, with what the service says of it.
func (w *watch) told(s sagemaker.TrainingState) {
	now := firstOf(s.Secondary, s.Status)
	if message := s.Message(); message != "" && !s.Ended() { // at the end it is the reason, which is told
		now += ": " + message
	}
	if now != w.state {
		w.state = now
		w.report(StepTrain, now)
	}
}

// look says what the job has printed since. A log that cannot be read is no
// reason to stop: the job goes on.
func (w *watch) look(ctx context.Context) {
	if w.log == nil {
		return
	}
	now := time.Now()
	lines, err := w.log.Next(ctx)
	if err != nil {
		if ctx.Err() == nil && !sagemaker.IsPassing(err) {
			w.Log.Warn("the log of the training job cannot be followed", slog.String("log", w.log.Place()), slog.Any("error", err))
			w.log = nil
		}
		return
	}
	for _, line := range lines {
		w.gauge.read(line, now)
	}
	if text := w.gauge.text(now); text != "" && len(lines) > 0 {
		w.pass(StepTrain, text)
	}
}

// ending is the end of a failed job's log, to stand behind its reason.
func (w *watch) ending(ctx context.Context) string {
	if w.log == nil {
		return ""
	}
	var lines []string
	err := w.patiently(ctx, func() (err error) {
		for attempt := 1; ; attempt++ {
			lines, err = w.log.Last(ctx, shownLines)
			if err != nil || len(lines) > 0 || w.emulated || attempt == logAttempts || sleep(ctx, logPoll) != nil {
				return err
			}
		}
	})
	switch {
	case err != nil:
		return fmt.Sprintf("\n  its log, %s, cannot be read: %v", w.log.Place(), err)
	case len(lines) == 0:
		return ""
	}
	return fmt.Sprintf("\n  its log, %s, ends with\n    %s", w.log.Place(), strings.Join(shown(lines), "\n    "))
}

// shown makes lines of a program fit for a terminal.
func shown(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		line = strings.Map(func(c rune) rune {
			if c < ' ' || c == 0x7f {
				return ' '
			}
			return c
		}, strings.TrimRight(line, " \t\r\n"))
		if len(line) > shownBytes {
			line = strings.ToValidUTF8(line[:shownBytes], "") + "…"
		}
		out[i] = line
	}
	return out
}
