package scaling

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/control"
	"betimes/internal/lab/emulator/journal"
	"betimes/internal/lab/emulator/metrics"
	"betimes/internal/lab/emulator/reply"
	"betimes/internal/lab/emulator/store"
)

// fleet is one variant that takes a while to change.
type fleet struct {
	mu             sync.Mutex
	clock          *clock.Clock
	count, desired int
	ready          time.Time
	delay          time.Duration
	refuse         error
	asked          []int
}

func (f *fleet) Capacity(endpoint, variant string) (control.Capacity, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	busy := f.clock.Now().Before(f.ready)
	if !busy {
		f.count = f.desired
	}
	return control.Capacity{Current: f.count, Desired: f.desired, Busy: busy}, endpoint == "shop" && variant == "all"
}

func (f *fleet) Resize(_, _ string, count int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, count)
	if f.refuse != nil {
		return f.refuse
	}
	f.desired, f.ready = count, f.clock.Now().Add(f.delay)
	return nil
}

// scaler is Application Auto Scaling with a CloudWatch under test.
type scaler struct {
	*Service
	t     testing.TB
	watch *metrics.Service
	fleet *fleet
}

func open(t testing.TB, dir string, instances int) *scaler {
	t.Helper()
	kept, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &scaler{t: t}
	c := clock.New()
	notes, log := &journal.Journal{}, slog.New(slog.NewTextHandler(t.Output(), nil))
	s.watch, err = metrics.New(metrics.Deps{Region: "us-east-1", Account: "000000000000", Dir: dir + "/points", Clock: c, Store: kept, Journal: notes, Log: log,
		Act: func(action string, n metrics.Notice) { s.Trigger(action, n) }})
	if err != nil {
		t.Fatal(err)
	}
	s.fleet = &fleet{clock: c, count: instances, desired: instances, delay: 90 * time.Second}
	s.Service, err = New(Deps{Region: "us-east-1", Account: "000000000000", Clock: c, Store: kept, Alarms: s.watch, Fleet: s.fleet, Journal: notes, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	s.watch.Run()
	s.Run()
	return s
}

func (s *scaler) close() {
	s.watch.Close()
	s.Close()
}

func (s *scaler) do(operation, request string) map[string]any {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), "POST", "/", strings.NewReader(request))
	r.Header.Set("X-Amz-Target", TargetPrefix+operation)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		s.t.Fatalf("%s: %v in %s", operation, err, w.Body)
	}
	return answer
}

const here = `"ServiceNamespace":"sagemaker","ResourceId":"endpoint/shop/variant/all","ScalableDimension":"sagemaker:variant:DesiredInstanceCount"`

// must is do about the one target, for what must be answered with success.
func (s *scaler) must(operation, more string) map[string]any {
	s.t.Helper()
	answer := s.do(operation, `{`+here+more+`}`)
	if answer["__type"] != nil {
		s.t.Fatalf("%s: %v", operation, answer)
	}
	return answer
}

func (s *scaler) advance(by time.Duration) {
	s.t.Helper()
	if _, err := s.Clock.Advance(s.t.Context(), by); err != nil {
		s.t.Fatal(err)
	}
}

// load puts a metric of one's own for some minutes.
func (s *scaler) load(metric string, value float64, minutes int) {
	s.t.Helper()
	for range minutes {
		r := httptest.NewRequestWithContext(s.t.Context(), "POST", "/", strings.NewReader(fmt.Sprintf(`{"Namespace":"own","MetricData":[{"MetricName":%q,"Value":%g}]}`, metric, value)))
		r.Header.Set("X-Amz-Target", metrics.TargetPrefix+"PutMetricData")
		w := httptest.NewRecorder()
		s.watch.ServeHTTP(w, r)
		if w.Code != 200 {
			s.t.Fatal(w.Body)
		}
		s.advance(time.Minute)
	}
}

func (s *scaler) instances() int {
	c, _ := s.fleet.Capacity("shop", "all")
	return c.Desired
}

// activities are the newest first: description, status, code.
func (s *scaler) activities() []string {
	s.t.Helper()
	var all []string
	for _, a := range s.must("DescribeScalingActivities", `,"IncludeNotScaledActivities":true`)["ScalingActivities"].([]any) {
		m := a.(map[string]any)
		line := m["Description"].(string) + " " + m["StatusCode"].(string)
		if why, ok := m["NotScaledReasons"].([]any); ok {
			line += " " + why[0].(map[string]any)["Code"].(string)
		}
		all = append(all, line)
	}
	return all
}

func (s *scaler) want(instances int, activities ...string) {
	s.t.Helper()
	got := s.activities()
	if n := s.instances(); n != instances || strings.Join(got, "|") != strings.Join(activities, "|") {
		s.t.Errorf("%d instances, activities %q; want %d, %q", n, got, instances, activities)
	}
}

const tracking = `,"PolicyName":"track","PolicyType":"TargetTrackingScaling","TargetTrackingScalingPolicyConfiguration":{"TargetValue":10,"ScaleInCooldown":60,"ScaleOutCooldown":600,
	"CustomizedMetricSpecification":{"MetricName":"load","Namespace":"own","Statistic":"Average"}}`

// begun is a scaler with a target of 1 to 5 instances, at the start of a minute.
func begun(t *testing.T, instances int) *scaler {
	s := open(t, t.TempDir(), instances)
	t.Cleanup(s.close)
	s.must("RegisterScalableTarget", `,"MinCapacity":1,"MaxCapacity":5`)
	return s
}

func TestTargetTrackingFollowsTheLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begun(t, 1)
		s.must("PutScalingPolicy", tracking)
		s.load("load", 19, 2)
		s.want(1)
		s.load("load", 19, 1)
		s.want(2, "Setting desired instance count to 2. InProgress")
		s.load("load", 12, 1)
		s.want(2, "Setting desired instance count to 2. InProgress")
		s.load("load", 12, 1) // within the cooldown, but more than the last time
		s.want(3, "Setting desired instance count to 3. InProgress", "Setting desired instance count to 2. Successful")
		s.load("load", 50, 3)
		s.want(5, "Setting desired instance count to 5. InProgress", "Setting desired instance count to 3. Successful", "Setting desired instance count to 2. Successful")
		s.load("load", 50, 3)
		if got := s.activities()[0]; got != "Attempting to scale due to alarm triggered Unfulfilled AlreadyAtMaxCapacity" {
			t.Errorf("at the bound: %s", got)
		}
		s.load("load", 2, 14)
		if s.instances() != 5 {
			t.Errorf("scaled in after 14 minutes: %d", s.instances())
		}
		s.load("load", 2, 3)
		if s.instances() != 1 {
			t.Errorf("%d instances after a quiet time: %q", s.instances(), s.activities())
		}
		s.load("load", 2, 5)
		if got := s.activities()[0]; got != "Attempting to scale due to alarm triggered Unfulfilled AlreadyAtMinCapacity" {
			t.Errorf("at the bound: %s", got)
		}
	})
}

func TestScaleInNeedsEveryTrackingPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begun(t, 4)
		s.must("PutScalingPolicy", tracking)
		s.must("PutScalingPolicy", strings.NewReplacer(`"track"`, `"other"`, `"load"`, `"busy"`).Replace(tracking))
		for range 16 {
			s.load("load", 1, 0)
			s.put("busy", 9.5)
			s.load("load", 1, 1)
		}
		s.want(4)
		for range 18 {
			s.put("busy", 5)
			s.load("load", 1, 1)
		}
		all := s.activities()
		if first := all[len(all)-1]; first != "Setting desired instance count to 2. Successful" { // what the busier one wants
			t.Errorf("activities %q", all)
		}
	})
}

// put is load that takes no time.
func (s *scaler) put(metric string, value float64) {
	r := httptest.NewRequestWithContext(s.t.Context(), "POST", "/", strings.NewReader(fmt.Sprintf(`{"Namespace":"own","MetricData":[{"MetricName":%q,"Value":%g}]}`, metric, value)))
	r.Header.Set("X-Amz-Target", metrics.TargetPrefix+"PutMetricData")
	s.watch.ServeHTTP(httptest.NewRecorder(), r)
}

func TestCapacityIsBroughtWithinNewBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begun(t, 1)
		s.must("RegisterScalableTarget", `,"MinCapacity":3`)
		s.advance(2 * time.Minute)
		s.want(3, "Setting desired instance count to 3. Successful")
		s.must("RegisterScalableTarget", `,"MinCapacity":1,"MaxCapacity":2`)
		s.must("RegisterScalableTarget", `,"MaxCapacity":1`) // while the first is under way
		s.advance(4 * time.Minute)
		if s.instances() != 1 {
			t.Errorf("%d instances, %q", s.instances(), s.activities())
		}
	})
}

func TestASuspendedTargetRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begun(t, 1)
		s.must("PutScalingPolicy", tracking)
		s.must("RegisterScalableTarget", `,"SuspendedState":{"DynamicScalingOutSuspended":true}`)
		s.load("load", 50, 5)
		s.want(1)
		s.must("RegisterScalableTarget", `,"SuspendedState":{"DynamicScalingOutSuspended":false}`)
		s.load("load", 50, 1)
		if s.instances() != 5 {
			t.Errorf("%d instances after it went on", s.instances())
		}
	})
}

func TestARefusedChangeIsAFailedActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begun(t, 1)
		s.must("PutScalingPolicy", tracking)
		s.fleet.refuse = reply.Validation("no machines")
		s.load("load", 50, 3)
		a := s.must("DescribeScalingActivities", "")["ScalingActivities"].([]any)[0].(map[string]any)
		if a["StatusCode"] != "Failed" || !strings.Contains(a["StatusMessage"].(string), "no machines") {
			t.Errorf("activity %v", a)
		}
	})
}

func TestStepsDependOnHowFarTheMetricIsBeyond(t *testing.T) {
	f := func(v float64) *float64 { return &v }
	n := func(v int) *int { return &v }
	steps := []step{{f(0), f(10), n(10)}, {f(10), nil, n(30)}, {f(-10), f(0), n(-10)}, {nil, f(-10), n(-30)}}
	for _, c := range []struct {
		name    string
		config  stepConfig
		current int
		beyond  float64
		want    int
		none    bool
	}{
		{"change, first step", stepConfig{AdjustmentType: changeIn, StepAdjustments: steps}, 5, 0, 15, false},
		{"change, open step", stepConfig{AdjustmentType: changeIn, StepAdjustments: steps}, 5, 10, 35, false},
		{"never below nothing", stepConfig{AdjustmentType: changeIn, StepAdjustments: steps}, 5, -10, 0, false},
		{"percent, at least one", stepConfig{AdjustmentType: percentOf, StepAdjustments: steps}, 5, 5, 6, false},
		{"percent, rounded down", stepConfig{AdjustmentType: percentOf, StepAdjustments: steps}, 6, 50, 7, false},
		{"percent down, at least one", stepConfig{AdjustmentType: percentOf, StepAdjustments: steps}, 5, -5, 4, false},
		{"percent down, rounded to fewer", stepConfig{AdjustmentType: percentOf, StepAdjustments: steps}, 6, -50, 5, false},
		{"percent, at least the magnitude", stepConfig{AdjustmentType: percentOf, StepAdjustments: steps, MinAdjustmentMagnitude: n(2)}, 5, 5, 7, false},
		{"exact", stepConfig{AdjustmentType: exact, StepAdjustments: []step{{f(0), nil, n(3)}}}, 9, 1, 3, false},
		{"no step holds", stepConfig{AdjustmentType: changeIn, StepAdjustments: steps[:1]}, 5, 11, 5, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.config.check(); err != nil {
				t.Fatal(err)
			}
			if got, ok := c.config.adjusted(c.current, c.beyond); got != c.want || ok == c.none {
				t.Errorf("%d, %v; want %d", got, ok, c.want)
			}
		})
	}
}

func TestAStepPolicyScalesFromZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir(), 0)
		defer s.close()
		s.must("RegisterScalableTarget", `,"MinCapacity":0,"MaxCapacity":5`)
		arn := s.must("PutScalingPolicy", `,"PolicyName":"wake","PolicyType":"StepScaling","StepScalingPolicyConfiguration":{"AdjustmentType":"ChangeInCapacity","StepAdjustments":[{"MetricIntervalLowerBound":0,"ScalingAdjustment":1}],"Cooldown":300}`)["PolicyARN"].(string)
		_, err := s.watch.Put(metrics.Threshold{Name: "backlog", Namespace: "own", MetricName: "backlog", Statistic: "Average", Period: 60, Periods: 2, Comparison: "GreaterThanOrEqualToThreshold", Value: 1, Action: arn})
		if err != nil {
			t.Fatal(err)
		}
		s.load("backlog", 1, 2)
		s.want(1, "Setting desired instance count to 1. InProgress")
		s.load("backlog", 1, 4) // within the cooldown
		s.want(1, "Setting desired instance count to 1. Successful")
	})
}

func TestASchedulePlacesTheBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // at midnight of 2000-01-01, a Saturday
		s := begun(t, 1)
		s.must("PutScheduledAction", `,"ScheduledActionName":"peak","Schedule":"cron(30 9 ? * MON *)","Timezone":"Europe/Berlin","ScalableTargetAction":{"MinCapacity":3,"MaxCapacity":9}`)
		s.must("PutScheduledAction", `,"ScheduledActionName":"once","Schedule":"at(2000-01-03T20:00:00)","ScalableTargetAction":{"MinCapacity":0,"MaxCapacity":2}`)
		s.advance(2*24*time.Hour + 8*time.Hour + 29*time.Minute)
		s.want(1)
		s.advance(time.Minute)
		s.want(3, "Setting desired instance count to 3. InProgress", "Setting min capacity to 3 and max capacity to 9 Successful")
		s.advance(12 * time.Hour)
		if s.instances() != 2 {
			t.Errorf("%d instances after the evening's action, %q", s.instances(), s.activities())
		}
		left := s.must("DescribeScheduledActions", "")["ScheduledActions"].([]any)
		if len(left) != 1 || left[0].(map[string]any)["ScheduledActionName"] != "peak" {
			t.Errorf("left: %v", left)
		}
	})
}

func TestSchedulesHappenWhenTheySay(t *testing.T) {
	began := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC) // a Wednesday
	for _, c := range []struct {
		schedule, zone string
		last, now      time.Duration // after began
		want           bool
	}{
		{"at(2026-11-25T12:01:30)", "", time.Minute, 2 * time.Minute, true},
		{"at(2026-11-25T12:01:30)", "", 2 * time.Minute, 3 * time.Minute, false},
		{"at(2026-11-25T13:02:00)", "Europe/Berlin", time.Minute, 2 * time.Minute, true},
		{"rate(5 minutes)", "", 4 * time.Minute, 5 * time.Minute, true},
		{"rate(5 minutes)", "", 5 * time.Minute, 6 * time.Minute, false},
		{"rate(1 hour)", "", 0, time.Hour, true},
		{"cron(0/15 * * * ? *)", "", 14 * time.Minute, 15 * time.Minute, true},
		{"cron(0/15 * * * ? *)", "", 15 * time.Minute, 16 * time.Minute, false},
		{"cron(10 12 ? * WED *)", "", 9 * time.Minute, 10 * time.Minute, true},
		{"cron(10 12 ? * 5 *)", "", 9 * time.Minute, 10 * time.Minute, false},
		{"cron(10,20 12 25 11,12 ? 2026-2027)", "", 19 * time.Minute, 20 * time.Minute, true},
		{"cron(10 * 26 * ? *)", "", 9 * time.Minute, 10 * time.Minute, false},
	} {
		p, err := parseSchedule(c.schedule, c.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.between(began.Add(c.last), began.Add(c.now), began); got != c.want {
			t.Errorf("%s between +%s and +%s: %v", c.schedule, c.last, c.now, got)
		}
	}
	for _, bad := range []string{"", "at()", "at(2026-11-25)", "rate(5 minute)", "rate(0 minutes)", "rate(1 fortnight)", "cron(* * *)", "cron(61 * * * ? *)", "cron(5-1 * * * ? *)", "cron(*/0 * * * ? *)", "cron(? * * * * *)", "cron(0 0 L * ? *)", "often"} {
		if _, err := parseSchedule(bad, ""); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzSchedule(f *testing.F) {
	f.Add("cron(0/15 9-17 ? JAN-MAR MON,FRI 2026)", "UTC")
	f.Add("rate(5 minutes)", "")
	f.Add("at(2026-11-25T12:00:00)", "Europe/Berlin")
	f.Fuzz(func(t *testing.T, schedule, zone string) {
		p, err := parseSchedule(schedule, zone)
		if err != nil {
			return
		}
		now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
		p.between(now.Add(-time.Minute), now, now.Add(-time.Hour))
	})
}

func TestRequestsAreRefusedWithAReason(t *testing.T) {
	s := begun(t, 1)
	for _, c := range []struct{ name, operation, request, kind, says string }{
		{"an unknown operation", "GetPredictiveScalingForecast", here, "UnknownOperationException", ""},
		{"another service", "RegisterScalableTarget", strings.Replace(here, "sagemaker", "ecs", 1), "ValidationException", "not built"},
		{"a service that is none", "RegisterScalableTarget", strings.Replace(here, "sagemaker", "x", 1), "ValidationException", "enum value set"},
		{"an endpoint that is none", "RegisterScalableTarget", strings.Replace(here, "/shop/", "/none/", 1) + `,"MinCapacity":1,"MaxCapacity":2`, "ValidationException", "Could not find endpoint"},
		{"more least than most", "RegisterScalableTarget", here + `,"MinCapacity":7`, "ValidationException", "Minimum capacity cannot be greater"},
		{"a policy without a target", "PutScalingPolicy", strings.Replace(here, "/all", "/none", 1) + tracking, "ObjectNotFoundException", "No scalable target registered"},
		{"a prediction", "PutScalingPolicy", here + `,"PolicyName":"p","PolicyType":"PredictiveScaling"`, "ValidationException", "not supported"},
		{"no configuration", "PutScalingPolicy", here + `,"PolicyName":"p","PolicyType":"StepScaling"`, "ValidationException", "StepScalingPolicyConfiguration"},
		{"a target of nothing", "PutScalingPolicy", here + strings.Replace(tracking, `"TargetValue":10`, `"TargetValue":0`, 1), "ValidationException", "greater than 0"},
		{"steps that overlap", "PutScalingPolicy", here + `,"PolicyName":"p","StepScalingPolicyConfiguration":{"AdjustmentType":"ChangeInCapacity","StepAdjustments":[{"ScalingAdjustment":1},{"ScalingAdjustment":2}]}`, "ValidationException", "overlap"},
		{"a schedule that is none", "PutScheduledAction", here + `,"ScheduledActionName":"x","Schedule":"often","ScalableTargetAction":{"MinCapacity":1}`, "ValidationException", "is not valid"},
		{"a policy that is none", "DeleteScalingPolicy", here + `,"PolicyName":"none"`, "ObjectNotFoundException", "No scaling policy found"},
		{"an action that is none", "DeleteScheduledAction", here + `,"ScheduledActionName":"none"`, "ObjectNotFoundException", "No scheduled action found"},
		{"a token that is none", "DescribeScalableTargets", here + `,"NextToken":"?"`, "InvalidNextTokenException", ""},
		{"a page that is too long", "DescribeScalableTargets", here + `,"MaxResults":51`, "ValidationException", "less than or equal to 50"},
		{"JSON that is none", "DescribeScalableTargets", `"`, "SerializationException", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.do(c.operation, `{`+c.request+`}`)
			text, _ := got["Message"].(string)
			if got["__type"] != c.kind || !strings.Contains(text, c.says) {
				t.Errorf("answered %v", got)
			}
		})
	}
}

func TestWhatIsRegisteredSurvivesARestartAndGoesWithItsEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, dir, 1)
		s.must("RegisterScalableTarget", `,"MinCapacity":1,"MaxCapacity":5`)
		s.must("PutScalingPolicy", tracking)
		s.must("PutScheduledAction", `,"ScheduledActionName":"x","Schedule":"rate(1 day)","ScalableTargetAction":{"MinCapacity":1}`)
		s.load("load", 50, 3) // a change is under way
		s.close()
		s = open(t, dir, 5)
		defer s.close()
		if !s.Registered("shop", "all") || s.Registered("shop", "none") {
			t.Error("targets were not kept")
		}
		s.want(5, "Setting desired instance count to 5. Successful")
		p := s.must("DescribeScalingPolicies", "")["ScalingPolicies"].([]any)[0].(map[string]any)
		alarm := p["Alarms"].([]any)[0].(map[string]any)["AlarmName"].(string)
		if _, ok := s.watch.StateOf(alarm); !ok || !strings.HasPrefix(alarm, "TargetTracking-endpoint/shop/variant/all-AlarmHigh-") {
			t.Errorf("policy %v", p)
		}
		s.Forget("shop")
		for operation, member := range map[string]string{"DescribeScalableTargets": "ScalableTargets", "DescribeScalingPolicies": "ScalingPolicies", "DescribeScheduledActions": "ScheduledActions"} {
			if got := s.must(operation, "")[member].([]any); len(got) != 0 {
				t.Errorf("%s: %v", operation, got)
			}
		}
		if _, ok := s.watch.StateOf(alarm); ok {
			t.Error("the alarm is still there")
		}
	})
}
