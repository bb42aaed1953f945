package metrics

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/journal"
	"betimes/internal/lab/emulator/store"
)

// cloud is a CloudWatch under test.
type cloud struct {
	*Service
	t     testing.TB
	acted []string
}

func open(t testing.TB, dir string) *cloud {
	t.Helper()
	kept, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{t: t}
	c.Service, err = New(Deps{Region: "us-east-1", Account: "000000000000", Dir: dir + "/points", Clock: clock.New(), Store: kept, Journal: &journal.Journal{},
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Act: func(action string, n Notice) { c.acted = append(c.acted, n.New+" "+action) }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// send asks over HTTP and gives the answer's status, header and body.
func (c *cloud) send(path, body string, headers ...string) *httptest.ResponseRecorder {
	c.t.Helper()
	r := httptest.NewRequestWithContext(c.t.Context(), "POST", path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w
}

// do asks in JSON and gives the answer's members.
func (c *cloud) do(operation, request string) map[string]any {
	c.t.Helper()
	w := c.send("/", request, "X-Amz-Target", TargetPrefix+operation)
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		c.t.Fatalf("%s: %v in %s", operation, err, w.Body)
	}
	return answer
}

// must is do for what must be answered with success.
func (c *cloud) must(operation, request string) map[string]any {
	c.t.Helper()
	answer := c.do(operation, request)
	if answer["__type"] != nil {
		c.t.Fatalf("%s: %v", operation, answer)
	}
	return answer
}

func (c *cloud) advance(by time.Duration) {
	c.t.Helper()
	if _, err := c.Clock.Advance(c.t.Context(), by); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cloud) put(metric, value string) {
	c.t.Helper()
	c.must("PutMetricData", `{"Namespace":"shop","MetricData":[{"MetricName":"`+metric+`","Value":`+value+`,"StorageResolution":1}]}`)
}

const alarmOnLoad = `{"AlarmName":"high","Namespace":"shop","MetricName":"load","Statistic":"Average","Period":60,"EvaluationPeriods":3,
	"Threshold":4,"ComparisonOperator":"GreaterThanThreshold","AlarmActions":["arn:aws:sns:us-east-1:000000000000:page"],"OKActions":["arn:aws:sns:us-east-1:000000000000:calm"]}`

func TestTheThreeProtocolsAnswerTheSame(t *testing.T) {
	c := open(t, t.TempDir())
	c.must("PutMetricData", `{"Namespace":"shop","MetricData":[{"MetricName":"load","Dimensions":[{"Name":"host","Value":"a & b"}],"Values":[1,2,3],"Counts":[1,1,2],"Timestamp":`+stampOf(c.Clock.Now())+`}]}`)
	now := c.Clock.Now()
	from, to := now.Add(-time.Hour), now.Add(time.Hour)
	inJSON := c.send("/", `{"Namespace":"shop","MetricName":"load","Dimensions":[{"Name":"host","Value":"a & b"}],"Period":60,"Statistics":["Sum","SampleCount"],"StartTime":`+stampOf(from)+`,"EndTime":`+stampOf(to)+`}`,
		"X-Amz-Target", TargetPrefix+"GetMetricStatistics")
	if got := inJSON.Body.String(); !strings.Contains(got, `"Sum":9`) || !strings.Contains(got, `"SampleCount":4`) {
		t.Errorf("JSON: %s", got)
	}
	packed := cbor.Encode(cbor.Map{
		"Namespace": cbor.String("shop"), "MetricName": cbor.String("load"), "Period": cbor.Uint(60), "Statistics": cbor.List{cbor.String("Sum"), cbor.String("SampleCount")},
		"Dimensions": cbor.List{cbor.Map{"Name": cbor.String("host"), "Value": cbor.String("a & b")}},
		"StartTime":  &cbor.Tag{ID: 1, Value: cbor.Float64(from.Unix())}, "EndTime": &cbor.Tag{ID: 1, Value: cbor.Float64(to.Unix())}, "Unit": &cbor.Nil{},
	})
	inCBOR := c.send(PathPrefix+"GetMetricStatistics", string(packed), "Smithy-Protocol", "rpc-v2-cbor")
	v, err := cbor.Decode(inCBOR.Body.Bytes())
	if err != nil || inCBOR.Header().Get("Smithy-Protocol") != "rpc-v2-cbor" {
		t.Fatalf("CBOR: %v, header %v", err, inCBOR.Header())
	}
	point := v.(cbor.Map)["Datapoints"].(cbor.List)[0].(cbor.Map)
	if point["Sum"] != cbor.Float64(9) || point["SampleCount"] != cbor.Float64(4) || point["Timestamp"].(*cbor.Tag).ID != 1 {
		t.Errorf("CBOR: %v", point)
	}
	form := url.Values{"Action": {"GetMetricStatistics"}, "Version": {"2010-08-01"}, "Namespace": {"shop"}, "MetricName": {"load"}, "Period": {"60"},
		"Statistics.member.1": {"Sum"}, "Statistics.member.2": {"SampleCount"}, "Dimensions.member.1.Name": {"host"}, "Dimensions.member.1.Value": {"a & b"},
		"StartTime": {from.UTC().Format(time.RFC3339)}, "EndTime": {to.UTC().Format(time.RFC3339)}}
	inXML := c.send("/", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	if got := inXML.Body.String(); !strings.Contains(got, "<Sum>9</Sum>") || !strings.HasPrefix(got, `<GetMetricStatisticsResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><GetMetricStatisticsResult>`) {
		t.Errorf("XML: %s", got)
	}
}

func stampOf(t time.Time) string {
	text, _ := json.Marshal(moment{t})
	return string(text)
}

func TestErrorsHaveTheirNameInEachProtocol(t *testing.T) {
	c := open(t, t.TempDir())
	for _, p := range []struct {
		name, path, body string
		headers          []string
		status           int
		says             string
	}{
		{"JSON", "/", `{"AlarmName":"x","StateValue":"OK","StateReason":"y"}`, []string{"X-Amz-Target", TargetPrefix + "SetAlarmState"}, 404, `"__type":"com.amazonaws.cloudwatch#ResourceNotFound"`},
		{"Query", "/", "Action=SetAlarmState&AlarmName=x&StateValue=OK&StateReason=y", nil, 404, "<Code>ResourceNotFound</Code>"},
		{"CBOR", PathPrefix + "SetAlarmState", string(cbor.Encode(cbor.Map{"AlarmName": cbor.String("x"), "StateValue": cbor.String("OK"), "StateReason": cbor.String("y")})), nil, 404, "ResourceNotFound"},
		{"an unknown operation in JSON", "/", `{}`, []string{"X-Amz-Target", TargetPrefix + "PutDashboard"}, 400, `UnknownOperationException`},
		{"an unknown operation in Query", "/", "Action=PutDashboard", nil, 400, "PutDashboard"},
		{"an unknown operation in CBOR", PathPrefix + "PutDashboard", "", nil, 400, "PutDashboard"},
		{"JSON that is none", "/", `{`, []string{"X-Amz-Target", TargetPrefix + "ListMetrics"}, 400, "SerializationException"},
		{"CBOR that is none", PathPrefix + "ListMetrics", "\xff", nil, 400, "SerializationException"},
		{"a form that is none", "/", "Action=ListMetrics&a=%zz", nil, 400, "SerializationException"},
		{"a form that contradicts itself", "/", "Action=ListMetrics&a=1&a.b=2", nil, 400, "is below a value"},
		{"a body that is not packed", "/", "{}", []string{"X-Amz-Target", TargetPrefix + "ListMetrics", "Content-Encoding", "gzip"}, 400, "SerializationException"},
		{"too large", "/", strings.Repeat(" ", maxRequestBytes+1), []string{"X-Amz-Target", TargetPrefix + "ListMetrics"}, 413, "larger than"},
		{"several violations", "/", "Action=PutMetricData&Namespace=x&MetricData.member.1.Value=1&MetricData.member.1.Unit=Yards", nil, 400, "2 validation errors detected: Value null at &#39;metricData.1.member.metricName&#39;"},
		{"a reserved namespace", "/", "Action=PutMetricData&Namespace=AWS/SageMaker&MetricData.member.1.Value=1&MetricData.member.1.MetricName=x", nil, 400, "InvalidParameterValue"},
		{"a number that is none", "/", "Action=PutMetricData&Namespace=x&MetricData.member.1.Value=NaN&MetricData.member.1.MetricName=x", nil, 400, "InvalidParameterValue"},
		{"no value", "/", `{"Namespace":"x","MetricData":[{"MetricName":"x"}]}`, []string{"X-Amz-Target", TargetPrefix + "PutMetricData"}, 400, "MetricData.member.1.Value is required"},
		{"two forms of values", "/", `{"Namespace":"x","MetricData":[{"MetricName":"x","Value":1,"Values":[1]}]}`, []string{"X-Amz-Target", TargetPrefix + "PutMetricData"}, 400, "mutually exclusive"},
		{"metric math", "/", `{"MetricDataQueries":[{"Id":"a","Expression":"b/2"}]}`, []string{"X-Amz-Target", TargetPrefix + "GetMetricData"}, 400, "is not built in this emulator yet"},
		{"a token that is none", "/", `{"NextToken":"?"}`, []string{"X-Amz-Target", TargetPrefix + "ListMetrics"}, 400, "InvalidNextToken"},
	} {
		t.Run(p.name, func(t *testing.T) {
			w := c.send(p.path, p.body, p.headers...)
			if w.Code != p.status || !strings.Contains(w.Body.String(), p.says) {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestLargeRequestsMayBePacked(t *testing.T) {
	c := open(t, t.TempDir())
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, `{"Namespace":"shop","MetricData":[{"MetricName":"load","Value":1}]}`)
	_ = z.Close()
	if w := c.send("/", packed.String(), "X-Amz-Target", TargetPrefix+"PutMetricData", "Content-Encoding", "gzip"); w.Code != http.StatusOK {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	if got := c.must("ListMetrics", `{"Namespace":"shop"}`)["Metrics"].([]any); len(got) != 1 {
		t.Errorf("metrics %v", got)
	}
}

func TestDimensionsMatchAsAnExactSet(t *testing.T) {
	c := open(t, t.TempDir())
	c.must("PutMetricData", `{"Namespace":"shop","MetricData":[{"MetricName":"load","Value":5,"Dimensions":[{"Name":"a","Value":"1"},{"Name":"b","Value":"2"}]}]}`)
	now := c.Clock.Now()
	ask := func(dimensions string) int {
		got := c.must("GetMetricData", `{"StartTime":`+stampOf(now.Add(-time.Hour))+`,"EndTime":`+stampOf(now.Add(time.Hour))+`,"MetricDataQueries":[{"Id":"q","MetricStat":{"Period":60,"Stat":"Sum","Metric":{"Namespace":"shop","MetricName":"load","Dimensions":`+dimensions+`}}}]}`)
		return len(got["MetricDataResults"].([]any)[0].(map[string]any)["Values"].([]any))
	}
	for dimensions, want := range map[string]int{
		`[{"Name":"b","Value":"2"},{"Name":"a","Value":"1"}]`: 1, `[{"Name":"a","Value":"1"}]`: 0, `[]`: 0,
	} {
		if got := ask(dimensions); got != want {
			t.Errorf("%s: %d values, want %d", dimensions, got, want)
		}
	}
	if got := c.must("ListMetrics", `{"Dimensions":[{"Name":"b"}]}`)["Metrics"].([]any); len(got) != 1 {
		t.Errorf("listed %v", got)
	}
}

func TestPercentilesAreWithinOnePercent(t *testing.T) {
	var s summary
	for i := 1; i <= 10000; i++ {
		s.add(float64(i), 1)
	}
	for stat, want := range map[string]float64{"p50": 5000, "p90": 9000, "p99": 9900, "p99.9": 9990, "p100": 10000, "Average": 5000.5, "Minimum": 1, "Maximum": 10000, "SampleCount": 10000, "Sum": 50005000} {
		if got, ok := s.statistic(stat); !ok || got < want*0.99 || got > want*1.01 {
			t.Errorf("%s is %g, want %g", stat, got, want)
		}
	}
	mixed := summary{}
	for _, v := range []float64{-100, -1, 0, 1, 100} {
		mixed.add(v, 1)
	}
	if got, _ := mixed.statistic("p50"); got != 0 {
		t.Errorf("the median of -100, -1, 0, 1, 100 is %g", got)
	}
	mixed.merge(&summary{Count: 2, Sum: 3, Min: 1, Max: 2})
	if _, ok := mixed.statistic("p50"); ok {
		t.Error("a percentile of values that came as a set")
	}
}

func TestAnAlarmFollowsItsMetric(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Minute - time.Duration(time.Now().Second())*time.Second)
		c := open(t, t.TempDir())
		c.Run()
		defer c.Close()
		c.must("PutMetricAlarm", alarmOnLoad)
		state := func() string { s, _ := c.StateOf("high"); return s }
		var states []string
		for _, value := range []string{"5", "6", "7", "1", ""} {
			if value != "" {
				c.put("load", value)
			}
			c.advance(time.Minute)
			states = append(states, state())
		}
		if want := []string{InsufficientData, InsufficientData, Alarm, OK, OK}; !slices.Equal(states, want) {
			t.Errorf("states %v, want %v", states, want)
		}
		if want := []string{"ALARM arn:aws:sns:us-east-1:000000000000:page", "OK arn:aws:sns:us-east-1:000000000000:calm"}; !slices.Equal(c.acted, want) {
			t.Errorf("told %v", c.acted)
		}
		history := c.must("DescribeAlarmHistory", `{"AlarmName":"high","HistoryItemType":"StateUpdate","ScanBy":"TimestampAscending"}`)["AlarmHistoryItems"].([]any)
		if len(history) != 2 || history[0].(map[string]any)["HistorySummary"] != "Alarm updated from INSUFFICIENT_DATA to ALARM" {
			t.Errorf("history %v", history)
		}
		c.advance(10 * time.Minute)
		if state() != InsufficientData {
			t.Errorf("without data it is %s", state())
		}
	})
}

func TestReasonsNameTheDataPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, t.TempDir())
		c.must("PutMetricAlarm", strings.Replace(alarmOnLoad, `"EvaluationPeriods":3`, `"EvaluationPeriods":1`, 1))
		c.put("load", "5.5")
		c.Run()
		defer c.Close()
		c.advance(time.Minute)
		a := c.must("DescribeAlarms", `{"AlarmNames":["high"]}`)["MetricAlarms"].([]any)[0].(map[string]any)
		want := "Threshold Crossed: 1 out of the last 1 datapoints [5.5 (01/01/00 00:00:00)] was greater than the threshold (4.0) (minimum 1 datapoint for OK -> ALARM transition)."
		if a["StateValue"] != Alarm || a["StateReason"] != want {
			t.Errorf("state %v, reason %v", a["StateValue"], a["StateReason"])
		}
	})
}

func TestMissingDataIsTreatedAsAsked(t *testing.T) {
	// As in the tables of CloudWatch's documentation: newest last, x breaches, o does not, - is missing.
	for _, c := range []struct {
		points, treat string
		needed        int
		want          string
	}{
		{"o-x-x", "missing", 3, OK}, {"o-x-x", "breaching", 3, OK}, {"----o", "missing", 3, OK}, {"----o", "breaching", 3, OK}, {"----o", "notBreaching", 3, OK},
		{"-----", "missing", 3, InsufficientData}, {"-----", "breaching", 3, Alarm}, {"-----", "notBreaching", 3, OK}, {"-----", "ignore", 3, "before"},
		{"oxx-x", "missing", 3, Alarm}, {"oxx-x", "ignore", 3, Alarm}, {"oxx-x", "notBreaching", 3, Alarm},
		{"--x--", "missing", 3, Alarm}, {"--x--", "ignore", 3, "before"}, {"--x--", "breaching", 3, Alarm}, {"--x--", "notBreaching", 3, OK},
		{"----x", "missing", 3, "before"}, {"ooxox", "missing", 2, Alarm}, {"xxxxx", "notBreaching", 2, Alarm}, {"-x-o-", "breaching", 2, Alarm},
	} {
		three, needed, limit := whole(3), whole(c.needed), number(1)
		r := alarmRequest{EvaluationPeriods: &three, DatapointsToAlarm: &needed, Threshold: &limit, ComparisonOperator: "GreaterThanThreshold", TreatMissingData: c.treat}
		var samples []sample
		for i := len(c.points) - 1; i >= 0 && len(samples) < 3; i-- {
			if c.points[i] != '-' {
				samples = append(samples, sample{age: len(c.points) - i, breach: c.points[i] == 'x'})
			}
		}
		if got := r.judge(samples, "before"); got != c.want {
			t.Errorf("%s, %d of 3, %s: %s, want %s", c.points, c.needed, c.treat, got, c.want)
		}
	}
}

func TestAHighResolutionAlarmActsWithinTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, t.TempDir())
		c.Run()
		defer c.Close()
		request := strings.NewReplacer(`"Period":60`, `"Period":10`, `"EvaluationPeriods":3`, `"EvaluationPeriods":1`, "arn:aws:sns", "arn:aws:autoscaling").Replace(alarmOnLoad)
		c.must("PutMetricAlarm", request)
		for range 3 {
			c.put("load", "9")
			c.advance(10 * time.Second)
		}
		if len(c.acted) != 3 {
			t.Errorf("a scaling policy is told again in each period: %v", c.acted)
		}
		c.must("DisableAlarmActions", `{"AlarmNames":["high"]}`)
		c.put("load", "9")
		c.advance(10 * time.Second)
		if len(c.acted) != 3 {
			t.Errorf("actions that are off were taken: %v", c.acted)
		}
	})
}

func TestWhatWasAnsweredSurvivesAKill(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir)
	c.put("load", "5")
	c.must("PutMetricAlarm", alarmOnLoad)
	c.must("SetAlarmState", `{"AlarmName":"high","StateValue":"ALARM","StateReason":"tried"}`)
	// A kill in the middle of a line.
	if err := c.kept.write([]datum{{}}, true); err != nil {
		t.Fatal(err)
	}
	if _, err := c.kept.file.WriteString(`{"name":{"Namesp`); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	defer again.Close()
	if state, ok := again.StateOf("high"); !ok || state != Alarm {
		t.Errorf("state %s, %v", state, ok)
	}
	if got := again.must("ListMetrics", `{}`)["Metrics"].([]any); len(got) != 1 {
		t.Errorf("metrics %v", got)
	}
	again.put("load", "6")
	again.Close()
	third := open(t, dir)
	defer third.Close()
	sum := third.metrics[name{"shop", "load", nil}.key()].between(0, 1<<40, "")
	if sum.Count != 2 || sum.Sum != 11 {
		t.Errorf("two starts later: %+v", sum)
	}
}

func TestPagesHaveEverythingOnce(t *testing.T) {
	c := open(t, t.TempDir())
	var data []datum
	for i := range 1203 {
		data = append(data, datum{Name: name{"n", "m", []dimension{{"i", string(rune('a'+i%26)) + strings.Repeat("x", i/26)}}}, At: c.Clock.Now().UnixMilli(), Summary: summary{Count: 1}})
	}
	if err := c.keep(data, false); err != nil {
		t.Fatal(err)
	}
	found, token := 0, ""
	for {
		answer := c.must("ListMetrics", `{"NextToken":"`+token+`"}`)
		found += len(answer["Metrics"].([]any))
		if token, _ = answer["NextToken"].(string); token == "" {
			break
		}
	}
	if found != 1203 {
		t.Errorf("found %d", found)
	}
}

func TestAPageOfDataHasAsManyPointsAsWereAskedForOverAllQueries(t *testing.T) {
	c := open(t, t.TempDir())
	at := c.Clock.Now().Truncate(time.Hour)
	var data []datum
	for i := range 10 {
		data = append(data, datum{Name: name{"n", string(rune('a' + i%3)), nil}, At: at.Add(time.Duration(i) * time.Minute).UnixMilli(), Summary: summary{Count: 1, Sum: float64(i)}})
	}
	if err := c.keep(data, false); err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, metric := range []string{"a", "b", "none", "c"} {
		queries = append(queries, fmt.Sprintf(`{"Id":"%s","MetricStat":{"Metric":{"Namespace":"n","MetricName":"%s"},"Period":60,"Stat":"Sum"}}`, metric, metric))
	}
	found, pages, token := map[string][]any{}, 0, ""
	for ; pages == 0 || token != ""; pages++ {
		answer := c.must("GetMetricData", fmt.Sprintf(`{"MaxDatapoints":4,"ScanBy":"TimestampAscending","StartTime":%d,"EndTime":%d,"NextToken":"%s","MetricDataQueries":[%s]}`,
			at.Unix(), at.Add(time.Hour).Unix(), token, strings.Join(queries, ",")))
		points := 0
		for _, one := range answer["MetricDataResults"].([]any) {
			r := one.(map[string]any)
			values := r["Values"].([]any)
			found[r["Id"].(string)] = append(found[r["Id"].(string)], values...)
			points += len(values)
		}
		if token, _ = answer["NextToken"].(string); points != 4 && token != "" || points > 4 {
			t.Errorf("page %d has %d points", pages, points)
		}
	}
	if got := fmt.Sprint(found); pages != 3 || got != "map[a:[0 3 6 9] b:[1 4 7] c:[2 5 8] none:[]]" {
		t.Errorf("%d pages have %s", pages, got)
	}
}

func FuzzRequest(f *testing.F) {
	for _, body := range []string{`{"Namespace":"n","MetricData":[{"MetricName":"m","Value":1}]}`, "Action=PutMetricData&Namespace=n&MetricData.member.1.MetricName=m&MetricData.member.1.Value=1",
		string(cbor.Encode(cbor.Map{"Namespace": cbor.String("n"), "a": cbor.NegInt(3), "t": &cbor.Tag{ID: 1, Value: cbor.Float32(1)}}))} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, p := range []protocol{text{}, binary{}, &query{}} {
			plain, err := p.request([]byte(body))
			if err == nil {
				for _, into := range []any{&putDataRequest{}, &alarmRequest{}, &getDataRequest{}} {
					_ = json.Unmarshal(plain, into) // may be refused, must not panic
				}
			}
		}
	})
}
