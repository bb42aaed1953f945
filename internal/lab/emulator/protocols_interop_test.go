//go:build interop

package emulator_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// cloudWatch is one way to put a data point and to read all there are, as "metric sum" in order.
type cloudWatch struct {
	put  func(metric string, value int, at time.Time)
	read func(metrics []string, from, to time.Time) []string
}

// viaCLI speaks Query with the CLI 2 of Debian 12, and JSON with the CLI 1.
func (b *box) viaCLI(program string) cloudWatch {
	ask := func(arguments ...string) string {
		b.t.Helper()
		c := exec.CommandContext(b.t.Context(), program, append([]string{"--endpoint-url", b.url, "--output", "json", "cloudwatch"}, arguments...)...)
		c.Env = environment(filepath.Dir(program), b.url)
		out, err := c.CombinedOutput()
		if err != nil {
			b.t.Fatalf("%s %q: %v %s", program, arguments, err, out)
		}
		return string(out)
	}
	return cloudWatch{
		put: func(metric string, value int, at time.Time) {
			ask("put-metric-data", "--namespace", "own", "--metric-data",
				fmt.Sprintf(`[{"MetricName":%q,"Dimensions":[{"Name":"shop","Value":"a & <b>"}],"Values":[%d,0.5],"Counts":[2,1],"Unit":"Count","Timestamp":%q}]`, metric, value, at.Format(time.RFC3339)))
		},
		read: func(metrics []string, from, to time.Time) (all []string) {
			var queries []string
			for _, m := range metrics {
				queries = append(queries, fmt.Sprintf(`{"Id":%q,"MetricStat":{"Metric":{"Namespace":"own","MetricName":%q,"Dimensions":[{"Name":"shop","Value":"a & <b>"}]},"Period":60,"Stat":"Sum","Unit":"Count"}}`, m, m))
			}
			var answer struct {
				MetricDataResults []struct {
					ID         string `json:"Id"`
					Timestamps []json.RawMessage
					Values     []float64
				}
			}
			out := ask("get-metric-data", "--start-time", from.Format(time.RFC3339), "--end-time", to.Format(time.RFC3339), "--metric-data-queries", "["+strings.Join(queries, ",")+"]")
			if err := json.Unmarshal([]byte(out), &answer); err != nil {
				b.t.Fatalf("%v in %s", err, out)
			}
			for _, r := range answer.MetricDataResults {
				for i, v := range r.Values {
					all = append(all, fmt.Sprint(r.ID, " ", momentOf(b.t, r.Timestamps[i]), " ", v))
				}
			}
			return all
		},
	}
}

// momentOf reads seconds, as the CLI 1 prints them, or RFC 3339, as the CLI 2 does.
func momentOf(t testing.TB, raw json.RawMessage) int64 {
	t.Helper()
	var seconds float64
	if json.Unmarshal(raw, &seconds) == nil {
		return int64(seconds)
	}
	var at time.Time
	if err := json.Unmarshal(raw, &at); err != nil {
		t.Fatal(err)
	}
	return at.Unix()
}

// viaCBOR speaks Smithy RPC v2, as newer SDKs do.
func (b *box) viaCBOR() cloudWatch {
	ask := func(operation string, request cbor.Map) cbor.Map {
		b.t.Helper()
		resp, body := b.do("POST", "/service/GraniteServiceVersion20100801/operation/"+operation, string(cbor.Encode(request)),
			"Smithy-Protocol", "rpc-v2-cbor", "Content-Type", "application/cbor", "Accept", "application/cbor", "X-Amzn-Query-Mode", "true")
		if resp.StatusCode != 200 {
			b.t.Fatalf("%s: %d %q", operation, resp.StatusCode, body)
		}
		if body == "" {
			return nil
		}
		v, err := cbor.Decode([]byte(body))
		if err != nil {
			b.t.Fatal(err)
		}
		return v.(cbor.Map)
	}
	when := func(t time.Time) cbor.Value { return &cbor.Tag{ID: 1, Value: cbor.Float64(t.Unix())} }
	shop := cbor.List{cbor.Map{"Name": cbor.String("shop"), "Value": cbor.String("a & <b>")}}
	return cloudWatch{
		put: func(metric string, value int, at time.Time) {
			ask("PutMetricData", cbor.Map{"Namespace": cbor.String("own"), "MetricData": cbor.List{cbor.Map{"MetricName": cbor.String(metric), "Dimensions": shop,
				"Values": cbor.List{cbor.Float64(value), cbor.Float64(0.5)}, "Counts": cbor.List{cbor.Float64(2), cbor.Float64(1)}, "Unit": cbor.String("Count"), "Timestamp": when(at)}}})
		},
		read: func(metrics []string, from, to time.Time) (all []string) {
			var queries cbor.List
			for _, m := range metrics {
				queries = append(queries, cbor.Map{"Id": cbor.String(m), "MetricStat": cbor.Map{"Period": cbor.Uint(60), "Stat": cbor.String("Sum"), "Unit": cbor.String("Count"),
					"Metric": cbor.Map{"Namespace": cbor.String("own"), "MetricName": cbor.String(m), "Dimensions": shop}}})
			}
			for _, one := range ask("GetMetricData", cbor.Map{"MetricDataQueries": queries, "StartTime": when(from), "EndTime": when(to)})["MetricDataResults"].(cbor.List) {
				r := one.(cbor.Map)
				for i, v := range r["Values"].(cbor.List) {
					at := r["Timestamps"].(cbor.List)[i].(*cbor.Tag).Value.(cbor.Float64)
					all = append(all, fmt.Sprint(string(r["Id"].(cbor.String)), " ", int64(at), " ", float64(v.(cbor.Float64))))
				}
			}
			return all
		},
	}
}

func TestInteropCloudWatchTellsTheSameOverItsThreeProtocols(t *testing.T) {
	lines := commandLines(t)
	b := start(t, "instant", t.TempDir())
	at := time.Now().UTC().Truncate(time.Minute)
	protocols := map[string]cloudWatch{"json": b.viaCLI(lines["1"]), "query": b.viaCLI(lines["2"]), "cbor": b.viaCBOR()}
	metrics, want := []string{"json", "query", "cbor"}, []string{}
	for i, name := range metrics {
		protocols[name].put(name, i+1, at)
		want = append(want, fmt.Sprint(name, " ", at.Unix(), " ", float64(i+1)*2+0.5))
	}
	for name, p := range protocols {
		if got := p.read(metrics, at.Add(-time.Hour), at.Add(time.Hour)); !slices.Equal(got, want) {
			t.Errorf("over %s: %q, want %q", name, got, want)
		}
	}
}
