package event

import (
	"strings"
	"testing"
	"time"
)

func TestStagesSumToTheWhole(t *testing.T) {
	began := time.UnixMicro(1_770_000_000_000_000)
	var line Timeline
	line.Start(began)
	line.Mark(StageGateway, began.Add(100*time.Microsecond))
	line.Mark(StageNetwork, began.Add(5100*time.Microsecond))
	line.Move(StageNetwork, StageModel, 4*time.Millisecond)
	line.Mark(StagePublish, began.Add(6*time.Millisecond))
	if got := line.Total(); got != 6*time.Millisecond {
		t.Errorf("the stages sum to %s, want 6ms", got)
	}
	if got, _ := line.Spent(StageModel); got != 4*time.Millisecond {
		t.Errorf("the model took %s, want 4ms", got)
	}
}

func TestAMarkOfAClockThatIsBehindIsZeroAndNoted(t *testing.T) {
	began := time.UnixMicro(1_770_000_000_000_000)
	var line Timeline
	line.Start(began)
	line.Mark(StageGateway, began.Add(time.Millisecond))
	line.Mark(StageBroker, began)
	line.Mark(StageQueue, began.Add(2*time.Millisecond))
	broker, passed := line.Spent(StageBroker)
	if broker != 0 || !passed || !line.Skewed() || line.Total() != 2*time.Millisecond {
		t.Errorf("broker %s passed %v skewed %v total %s", broker, passed, line.Skewed(), line.Total())
	}
}

func TestWhatIsNoTimelineIsRefused(t *testing.T) {
	for name, header := range map[string]string{
		"empty":                      "",
		"no start":                   "gateway=5",
		"start of zero":              "t0=0",
		"a stage without a number":   "t0=5;gateway",
		"a negative stage":           "t0=5;gateway=-1",
		"a number beyond any clock":  "t0=5;gateway=99999999999999999",
		"a sum beyond any clock":     "t0=9007199254740992;gateway=9007199254740992",
		"a separator at the end":     "t0=5;gateway=1;;",
		"longer than it may ever be": "t0=5;" + strings.Repeat("gateway=1;", 60) + "queue=1",
	} {
		t.Run(name, func(t *testing.T) {
			if line, err := ParseTimeline([]byte(header)); err == nil {
				t.Errorf("taken as %s", line.AppendHeader(nil))
			}
		})
	}
}

func FuzzTimeline(f *testing.F) {
	f.Add([]byte("t0=1770000000000000;gateway=120;produce=900;broker=310"))
	f.Add([]byte("t0=1;from_a_newer_version=3;model=0;model=1"))
	f.Add([]byte("t0=;gateway=1"))
	f.Fuzz(func(t *testing.T, header []byte) {
		line, err := ParseTimeline(header)
		if err != nil {
			return
		}
		if line.Last().Sub(line.Began()) != line.Total() {
			t.Errorf("the stages sum to %s, from the first to the last moment it is %s", line.Total(), line.Last().Sub(line.Began()))
		}
		again, err := ParseTimeline(line.AppendHeader(nil))
		if err != nil || again != line {
			t.Errorf("%s reads back as %+v, %v", line.AppendHeader(nil), again, err)
		}
	})
}
