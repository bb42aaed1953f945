package stream

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// awayGroup is a group whose coordinator is away until a moment: with a deadline
// commits are tried until then, without one they are refused soon.
type awayGroup struct {
	Member
	until time.Time
}

func (a *awayGroup) CommitNoted(ctx context.Context, next map[kafka.Partition]int64, notes map[kafka.Partition]string) error {
	if time.Now().Before(a.until) {
		if _, patient := ctx.Deadline(); !patient {
			return errModel
		}
		if !sleep(ctx, time.Until(a.until)) {
			return ctx.Err()
		}
	}
	return a.Member.CommitNoted(ctx, next, notes)
}

// away gives a Processor a group whose coordinator comes back after a time.
func away(c *cluster, d time.Duration) func(*Config, *Deps) {
	return func(_ *Config, deps *Deps) {
		deps.Join = func(h Hooks) (Member, error) {
			m, err := c.join(h)
			return &awayGroup{m, time.Now().Add(d)}, err
		}
	}
}

func TestARefusedCommitIsRepeatedThoughNothingElseFinishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		_, stop := running(t, c, predict, away(c, 10*time.Second))
		c.send(0, "k", "v")
		time.Sleep(9 * time.Second)
		if n := c.committed(0); n != 0 {
			t.Errorf("committed %d while nobody took it", n)
		}
		time.Sleep(2 * time.Second)
		if n := c.committed(0); n != 1 {
			t.Errorf("committed %d, want 1", n)
		}
		ended(t, stop)
	})
}

func TestTheLastCommitHasAllThatIsLeftOfTheTimeToDrain(t *testing.T) {
	for _, tt := range []struct {
		name string
		away time.Duration
		want int64
		told bool
	}{
		{"the coordinator is back before the time is over", 20 * time.Second, 1, false},
		{"the coordinator is not back", time.Minute, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster()
				var log bytes.Buffer
				_, stop := running(t, c, predict, away(c, tt.away), func(_ *Config, d *Deps) { d.Log = slog.New(slog.NewTextHandler(&log, nil)) })
				c.send(0, "k", "v")
				time.Sleep(time.Second)
				ended(t, stop)
				if n := c.committed(0); n != tt.want {
					t.Errorf("committed %d, want %d", n, tt.want)
				}
				if told := strings.Contains(log.String(), "not_committed=1"); told != tt.told {
					t.Errorf("told %v, want %v: it says\n%s", told, tt.told, &log)
				}
			})
		})
	}
}

func TestWhatIsDoneAgainAfterAHandOverIsTold(t *testing.T) {
	for _, tt := range []struct {
		name        string
		lost        bool // before it is asked to
		takes, away time.Duration
		told        bool
	}{
		{"all is committed", false, 0, 0, false},
		{"nothing had begun", true, -1, 0, false},
		{"what is under way is finished and committed", false, 2 * time.Second, 0, false},
		{"an attempt takes longer than the hand-over", false, time.Minute, 0, true},
		{"an attempt goes on when the partition is lost", true, time.Minute, 0, true},
		{"the commit is not taken in time", false, 0, time.Minute, true},
		{"what is finished is not committed when the partition is lost", true, 0, time.Minute, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster()
				var log bytes.Buffer
				work := func(ctx context.Context, e *event.Event) event.Ending {
					time.Sleep(tt.takes)
					return predict(ctx, e)
				}
				_, stop := running(t, c, work, away(c, tt.away), func(_ *Config, d *Deps) { d.Log = slog.New(slog.NewTextHandler(&log, nil)) })
				if tt.takes >= 0 {
					c.send(0, "k", "v")
				}
				time.Sleep(time.Second)
				synctest.Wait()
				ctx, cancel := context.WithCancel(t.Context())
				if tt.lost {
					cancel()
				}
				c.revoke(ctx, 0)
				cancel()
				synctest.Wait()
				if told := strings.Contains(log.String(), "not_committed=1"); told != tt.told {
					t.Errorf("told %v, want %v: it says\n%s", told, tt.told, &log)
				}
				time.Sleep(2 * time.Minute)
				ended(t, stop)
			})
		})
	}
}

func TestWhatANoteHasNoRoomForIsToldAtAHandOver(t *testing.T) {
	for _, tt := range []struct {
		name     string
		finished int
		told     bool
	}{{"room for all", maxNoted - 1, false}, {"one more", maxNoted, true}} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			p := &Processor{deps: Deps{Log: slog.New(slog.NewTextHandler(&log, nil))}}
			part := newPartition(kafka.Partition{Topic: "events"}, 0)
			defer part.cancel()
			part.offsets.add(0, time.Time{}) // is not finished
			for i := range tt.finished {
				part.offsets.finish(part.offsets.add(int64(i)+1, time.Time{}))
			}
			p.sayAgain([]*partition{part})
			if told := strings.Contains(log.String(), "not_committed=1"); told != tt.told {
				t.Errorf("told %v, want %v: it says\n%s", told, tt.told, &log)
			}
		})
	}
}
