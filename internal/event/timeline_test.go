package event

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestStagesSumToTheWholeWhateverIsMarked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var line Timeline
		now := time.UnixMicro(1_770_000_000_000_000)
		line.Start(now)
		for range rapid.IntRange(0, 40).Draw(t, "marks") {
			now = now.Add(time.Duration(rapid.Int64Range(-2000, 500_000).Draw(t, "step")) * time.Microsecond)
			line.Mark(Stage(rapid.IntRange(0, NumStages-1).Draw(t, "stage")), now)
			if rapid.Bool().Draw(t, "move") {
				line.Move(StageNetwork, StageModel, time.Duration(rapid.Int64Range(-5, 1000).Draw(t, "moved"))*time.Microsecond)
			}
		}
		sum := time.Duration(0)
		for s := range Stage(NumStages) {
			d, _ := line.Spent(s)
			if d < 0 {
				t.Fatalf("%s took %v", s, d)
			}
			sum += d
		}
		if sum != line.Total() || line.Began().Add(sum) != line.Last() {
			t.Fatalf("stages sum to %v, the whole is %v", sum, line.Last().Sub(line.Began()))
		}
		back, err := ParseTimeline(line.AppendHeader(nil))
		if err != nil || back.Total() != line.Total() || back.Began() != line.Began() {
			t.Fatalf("%s reads back as %v, %v", line.AppendHeader(nil), back.Total(), err)
		}
	})
}

func TestANegativeStageIsZeroAndSaysThatClocksDiffer(t *testing.T) {
	now := time.UnixMicro(1_770_000_000_000_000)
	var line Timeline
	line.Start(now)
	line.Mark(StageGateway, now.Add(time.Millisecond))
	line.Mark(StageBroker, now)
	if d, seen := line.Spent(StageBroker); d != 0 || !seen || !line.Skewed() || line.Total() != time.Millisecond {
		t.Errorf("broker %v, skewed %v, total %v", d, line.Skewed(), line.Total())
	}
}

func TestATimelineAtTheBrokerFitsAHundredBytes(t *testing.T) {
	now := time.UnixMicro(1_770_000_000_000_000)
	var line Timeline
	line.Start(now)
	for i, s := range []Stage{StageGateway, StagePreprocess, StageProduce} {
		line.Mark(s, now.Add(time.Duration(i+1)*9*time.Second))
	}
	if header := line.AppendHeader(nil); len(header) > 100 {
		t.Errorf("%d bytes: %s", len(header), header)
	}
}

func TestParseTimelineRefusesWhatIsNone(t *testing.T) {
	for _, header := range []string{
		"", "t0=", "t0=0", "t0=-5", "t0=abc", "gateway=5", "t0=1;gateway", "t0=1;gateway=-1", "t0=1;gateway=99999999999999999999",
		"t0=9007199254740992;gateway=9007199254740992", "t0=1" + strings.Repeat(";gateway=1", 100), "t0=1;;gateway=1",
	} {
		if _, err := ParseTimeline([]byte(header)); err == nil {
			t.Errorf("%.40q is taken", header)
		}
	}
}

func TestAStageOfANewerVersionKeepsTheSumRight(t *testing.T) {
	line, err := ParseTimeline([]byte("t0=1770000000000000;gateway=5;enrich=7;produce=1"))
	if err != nil || line.Total() != 13*time.Microsecond {
		t.Errorf("total %v, %v", line.Total(), err)
	}
}

func FuzzParseTimeline(f *testing.F) {
	f.Add([]byte("t0=1770000000000000;gateway=120;produce=900;broker=310"))
	f.Add([]byte("t0=1;=;"))
	f.Fuzz(func(t *testing.T, header []byte) {
		line, err := ParseTimeline(header)
		if err != nil {
			return
		}
		again, err := ParseTimeline(line.AppendHeader(nil))
		if err != nil || again.Total() != line.Total() || again.Began() != line.Began() || line.Total() < 0 {
			t.Errorf("%q: %v then %v, %v", header, line.Total(), again.Total(), err)
		}
	})
}

func TestDecisionsStayWithinTheirHeader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d Decisions
		for range rapid.IntRange(0, 40).Draw(t, "decisions") {
			d.Add(rapid.StringN(0, 40, 80).Draw(t, "room"), rapid.StringN(0, 40, 80).Draw(t, "what"), rapid.StringN(0, 80, 160).Draw(t, "why"))
		}
		header := string(d.AppendHeader(nil))
		if len(header) > MaxDecisionsBytes || len(d.All()) > MaxDecisions {
			t.Fatalf("%d bytes, %d decisions", len(header), len(d.All()))
		}
		if strings.ContainsFunc(header, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Fatalf("not plain ASCII: %q", header)
		}
	})
}
