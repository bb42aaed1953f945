package logs

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/journal"
)

func open(t *testing.T) *Service {
	t.Helper()
	return &Service{Region: "us-east-1", Account: "000000000000", Dir: filepath.Join(t.TempDir(), "logs"), Clock: clock.New(), Journal: &journal.Journal{}, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
}

func do(t *testing.T, s *Service, operation, request string) map[string]any {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(request))
	r.Header.Set("X-Amz-Target", TargetPrefix+operation)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s: %v in %s", operation, err, w.Body)
	}
	return answer
}

func write(t *testing.T, s *Service, group, stream, text string) {
	t.Helper()
	w, err := s.Open(group, stream)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func messages(answer map[string]any) string {
	var all []string
	events, _ := answer["events"].([]any)
	for _, e := range events {
		all = append(all, e.(map[string]any)["message"].(string))
	}
	return strings.Join(all, " ")
}

func TestLinesAreReadInBothDirections(t *testing.T) {
	s := open(t)
	write(t, s, "/aws/sagemaker/TrainingJobs", "job/algo-1-1", "a\nb\r\nc\n\nd")
	ask := func(more string) map[string]any {
		return do(t, s, "GetLogEvents", `{"logGroupName":"/aws/sagemaker/TrainingJobs","logStreamName":"job/algo-1-1"`+more+`}`)
	}
	if got := messages(ask("")); got != "a b c  d" {
		t.Errorf("all: %q", got)
	}
	first := ask(`,"limit":2,"startFromHead":true`)
	next := ask(fmt.Sprintf(`,"limit":2,"nextToken":%q`, first["nextForwardToken"]))
	if messages(first) != "a b" || messages(next) != "c " {
		t.Errorf("forward: %q, %q", messages(first), messages(next))
	}
	if back := ask(fmt.Sprintf(`,"nextToken":%q`, next["nextBackwardToken"])); messages(back) != "a b" {
		t.Errorf("back: %q", messages(back))
	}
	if newest := ask(`,"limit":1`); messages(newest) != "d" {
		t.Errorf("newest: %q", messages(newest))
	}
	end := ask(`,"startFromHead":true`)
	again := ask(fmt.Sprintf(`,"nextToken":%q`, end["nextForwardToken"]))
	if messages(again) != "" || again["nextForwardToken"] != end["nextForwardToken"] {
		t.Errorf("at the end: %v", again)
	}
	write(t, s, "/aws/sagemaker/TrainingJobs", "job/algo-1-1", "e\n")
	if more := ask(fmt.Sprintf(`,"nextToken":%q`, end["nextForwardToken"])); messages(more) != "e" {
		t.Errorf("after more was written: %v", more)
	}
}

func TestStreamsAreListedByPrefix(t *testing.T) {
	s := open(t)
	for i := range 120 {
		write(t, s, "/group", fmt.Sprintf("job-%03d/algo-1", i), "x\n")
	}
	found, token := 0, ""
	for {
		answer := do(t, s, "DescribeLogStreams", `{"logGroupName":"/group","nextToken":"`+token+`"}`)
		found += len(answer["logStreams"].([]any))
		if token, _ = answer["nextToken"].(string); token == "" {
			break
		}
	}
	if found != 120 {
		t.Errorf("found %d", found)
	}
	one := do(t, s, "DescribeLogStreams", `{"logGroupName":"/group","logStreamNamePrefix":"job-007/","orderBy":"LogStreamName","limit":1}`)["logStreams"].([]any)
	if len(one) != 1 || one[0].(map[string]any)["logStreamName"] != "job-007/algo-1" {
		t.Errorf("one: %v", one)
	}
	groups := do(t, s, "DescribeLogGroups", `{"logGroupNamePrefix":"/gr"}`)["logGroups"].([]any)
	if len(groups) != 1 || groups[0].(map[string]any)["logGroupName"] != "/group" {
		t.Errorf("groups %v", groups)
	}
}

func TestWhatIsNotThereIsSaid(t *testing.T) {
	s := open(t)
	write(t, s, "/group", "stream", "x\n")
	for _, c := range []struct{ operation, request, kind string }{
		{"DescribeLogStreams", `{"logGroupName":"/none"}`, "ResourceNotFoundException"},
		{"DescribeLogStreams", `{}`, "ResourceNotFoundException"},
		{"GetLogEvents", `{"logGroupName":"/none","logStreamName":"x"}`, "ResourceNotFoundException"},
		{"GetLogEvents", `{"logGroupName":"/group","logStreamName":"none"}`, "ResourceNotFoundException"},
		{"GetLogEvents", `{"logGroupName":"/group"}`, "InvalidParameterException"},
		{"GetLogEvents", `{"logGroupName":"/group","logStreamName":"stream","nextToken":"f/99"}`, "InvalidParameterException"},
		{"GetLogEvents", `{"logGroupName":"/group","logStreamName":"stream","nextToken":"x"}`, "InvalidParameterException"},
		{"GetLogEvents", `{"logGroupName":"/group","logStreamName":"stream","limit":0}`, "InvalidParameterException"},
		{"DescribeLogStreams", `{"logGroupName":"/group","orderBy":"Size"}`, "InvalidParameterException"},
		{"DescribeLogGroups", `[`, "SerializationException"},
		{"FilterLogEvents", `{}`, "UnknownOperationException"},
	} {
		if got := do(t, s, c.operation, c.request); got["__type"] != c.kind {
			t.Errorf("%s %s: %v", c.operation, c.request, got)
		}
	}
	if got := do(t, s, "DescribeLogGroups", `{}`); len(got["logGroups"].([]any)) != 1 {
		t.Errorf("groups %v", got)
	}
}

func TestNoNameLeavesTheFolder(t *testing.T) {
	s := open(t)
	for _, name := range []string{"../../out", "..", ".", "/etc/passwd", "a\x00b", strings.Repeat("é", 40)} {
		w, err := s.Open("/group", name)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		_ = w.Close()
	}
	entries, err := os.ReadDir(filepath.Join(s.Dir, escape("/group")))
	if err != nil || len(entries) != 6 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestAFloodIsCutAndLongLinesAreSplit(t *testing.T) {
	s := open(t)
	w, err := s.Open("/group", "flood")
	if err != nil {
		t.Fatal(err)
	}
	long := []byte(strings.Repeat("x", maxLine+10) + "\n")
	for range 80 {
		if _, err := w.Write(long); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	events, err := s.read("/group", "flood")
	if err != nil || len(events) < 100 || len(events[0].Message) != maxLine || events[1].Message != "xxxxxxxxxx" {
		t.Fatalf("%d events, %v", len(events), err)
	}
	if last := events[len(events)-1].Message; !strings.Contains(last, "what comes after is dropped") {
		t.Errorf("last: %.80s", last)
	}
	info, err := os.Stat(s.path("/group", "flood"))
	if err != nil || info.Size() > maxStream+2*maxLine {
		t.Errorf("size %d, %v", info.Size(), err)
	}
}

func TestALineThatAKillHasCutIsLeftOut(t *testing.T) {
	for name, cut := range map[string]string{"in its text": `{"timestamp":1,"mess`, "all of it": "", "before anything": `{`} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			write(t, s, "g", "s", "first\n")
			file, err := os.OpenFile(s.path("g", "s"), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := file.WriteString(cut); err != nil {
				t.Fatal(err)
			}
			_ = file.Close()
			for _, want := range []string{"first", "first next"} {
				if got := messages(do(t, s, "GetLogEvents", `{"logGroupName":"g","logStreamName":"s"}`)); got != want {
					t.Errorf("%q, want %q", got, want)
				}
				if want == "first" {
					write(t, s, "g", "s", "next\n")
				}
			}
		})
	}
}
