package control_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// many copies what the store keeps of one resource n times.
func many(b *testing.B, dir, kind, name string, n int) {
	b.Helper()
	one, err := os.ReadFile(filepath.Join(dir, kind, name+".json"))
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		copied := fmt.Sprintf("%s-%05d", name, i)
		text := strings.ReplaceAll(string(one), `"`+name+`"`, `"`+copied+`"`)
		if err := os.WriteFile(filepath.Join(dir, kind, copied+".json"), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLists reads 10,000 training jobs and 1,000 endpoints by pages.
func BenchmarkLists(b *testing.B) {
	dir := b.TempDir()
	p := newPlane(b, dir)
	p.done("CreateTrainingJob", m{"TrainingJobName": "job", "RoleArn": "arn:aws:iam::000000000000:role/r", "OutputDataConfig": m{"S3OutputPath": "s3://b/p"},
		"AlgorithmSpecification": m{"TrainingImage": "builtin:xgboost", "TrainingInputMode": "File"}})
	p.config("old", "builtin:echo", 1)
	p.done("CreateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "old"})
	p.advance(time.Minute)
	many(b, dir, "training-job", "job", 10_000)
	many(b, dir, "endpoint", "fraud", 1000)
	p = newPlane(b, dir)
	for _, c := range []struct {
		operation, member string
		want              int
	}{{"ListTrainingJobs", "TrainingJobSummaries", 10_001}, {"ListEndpoints", "Endpoints", 1001}} {
		b.Run(c.operation, func(b *testing.B) {
			for b.Loop() {
				found, request := 0, m{"MaxResults": 100}
				began, pages := time.Now(), 0
				for {
					got := p.done(c.operation, request)
					found += len(got[c.member].([]any))
					pages++
					if got["NextToken"] == nil {
						break
					}
					request["NextToken"] = got["NextToken"]
				}
				if found != c.want {
					b.Fatalf("%d resources, want %d", found, c.want)
				}
				b.ReportMetric(float64(time.Since(began).Microseconds())/float64(pages), "us/page")
			}
		})
	}
}
