package laws

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/flow/admit"
	"betimes/internal/model"
)

// inTime offers events that have 50 ms to a model of two executors that take 4 ms, as
// stream does, and gives the share of what the model can do that was predicted in time.
func inTime(late string, load float64, long time.Duration) float64 {
	s := newServer(2, 4*time.Millisecond, 0)
	capacity := 2 / s.fixed.Seconds()
	var asked model.Invoker = s
	if c := (admit.Config{Late: late, Backlog: admit.Predict}); c.Active() {
		asked = admit.New(c, s, admit.Deps{Model: "m"})
	}
	var mu sync.Mutex
	good := 0
	const hands = 64
	line := make(chan *model.Request, 1<<20)
	var workers sync.WaitGroup
	for range hands {
		workers.Go(func() {
			for r := range line {
				if _, err := asked.Invoke(context.Background(), r); err != nil || r.Items[0].Event.Late(time.Now()) {
					continue
				}
				mu.Lock()
				good++
				mu.Unlock()
			}
		})
	}
	arrivals(load*capacity, long, 1, func(at time.Duration) { line <- asking(fmt.Sprint(at.Nanoseconds()), 50*time.Millisecond) })
	close(line)
	workers.Wait()
	return float64(good) / (capacity * long.Seconds())
}

func TestUnderOverloadWhatIsInTimeStaysWhatTheModelCanDo(t *testing.T) {
	loads, long := []float64{0.9, 2}, 2*time.Second
	if *update {
		loads, long = []float64{0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 3, 5, 10}, 20*time.Second
	}
	lines := []string{row("load", "late: shed", "late: predict"), "|---|---|---|"}
	for _, load := range loads {
		var shed, predict float64
		synctest.Test(t, func(*testing.T) { shed = inTime(admit.Shed, load, long) })
		synctest.Test(t, func(*testing.T) { predict = inTime(admit.Predict, load, long) })
		lines = append(lines, row(fmt.Sprint(load), fmt.Sprintf("%.3f", shed), fmt.Sprintf("%.3f", predict)))
		if load > 1 && (shed < 0.8 || predict > shed/2) {
			t.Errorf("%.1f times what the model can do: %.2f of it is in time, without admission %.2f", load, shed, predict)
		}
	}
	keep(t, "admission.md", "In virtual time: events have 50 ms, a model of 2 executors of 4 ms, 64 events in work", lines...)
}
