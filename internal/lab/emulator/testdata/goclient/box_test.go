package goclient

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const role = "arn:aws:iam::000000000000:role/betimes"

// box is an emulator, a process of its own, and the clients of its services.
// The clients are as a user makes them: all is the SDK's default.
type box struct {
	t    *testing.T
	url  string
	sm   *sagemaker.Client
	rt   *sagemakerruntime.Client
	s3   *s3.Client
	sns  *sns.Client
	sqs  *sqs.Client
	sts  *sts.Client
	cw   *cloudwatch.Client
	auto *applicationautoscaling.Client
}

// start runs an emulator until the test ends.
func start(t *testing.T, profile string) *box {
	t.Helper()
	program := os.Getenv("BETIMES")
	if program == "" {
		t.Fatal("BETIMES must name the built program")
	}
	c := exec.Command(program, "emulate", "--set", "lab.emulator.listen=127.0.0.1:0", "--set", "lab.emulator.profile="+profile)
	c.Dir = t.TempDir()
	said, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	b := &box{t: t}
	for b.url == "" && lines.Scan() {
		if name, url, ok := strings.Cut(strings.TrimSpace(lines.Text()), " "); ok && name == "aws" {
			b.url = strings.TrimSpace(url)
		}
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, said)
	}()
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		<-drained
		if err := c.Wait(); err != nil {
			t.Errorf("the emulator ended with %v", err)
		}
	})
	if b.url == "" {
		t.Fatal("the emulator did not say where it listens")
	}
	b.connect()
	return b
}

// connect makes the clients.
func (b *box) connect() {
	b.t.Helper()
	c, err := config.LoadDefaultConfig(b.t.Context(), config.WithRegion("us-east-1"), config.WithBaseEndpoint(b.url),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("any", "any", "")))
	if err != nil {
		b.t.Fatal(err)
	}
	b.sm = sagemaker.NewFromConfig(c, func(o *sagemaker.Options) { o.HTTPClient = compared{b.t, o.HTTPClient} })
	b.rt = sagemakerruntime.NewFromConfig(c)
	b.s3 = s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true })
	b.sns, b.sqs, b.sts = sns.NewFromConfig(c), sqs.NewFromConfig(c), sts.NewFromConfig(c)
	b.cw, b.auto = cloudwatch.NewFromConfig(c), applicationautoscaling.NewFromConfig(c)
}

// must gives what a call answered; the test ends when it was refused.
func must[T any](answer T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

// own asks the emulator's own interface and gives its answer.
func (b *box) own(method, path string, request any) []byte {
	b.t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode > 299 {
		b.t.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, text, err)
	}
	return text
}

// elapse advances the emulator's clock and waits for what that brings.
func (b *box) elapse(by string) { b.own("POST", "/_emu/clock/advance", map[string]string{"by": by}) }

// entry is what the journal says of one request.
type entry struct{ Kind, Operation, Resource, Error, Text string }

// journal gives the entries of a kind and an operation.
func (b *box) journal(kind, operation string) []entry {
	b.t.Helper()
	var out []entry
	for in := json.NewDecoder(bytes.NewReader(b.own("GET", "/_emu/journal", nil))); in.More(); {
		var e entry
		if err := in.Decode(&e); err != nil {
			b.t.Fatal(err)
		}
		if e.Kind == kind && e.Operation == operation {
			out = append(out, e)
		}
	}
	return out
}

// bucket makes a bucket and puts objects into it, name then content.
func (b *box) bucket(name string, objects ...string) {
	b.t.Helper()
	must(b.s3.CreateBucket(b.t.Context(), &s3.CreateBucketInput{Bucket: &name}))(b.t)
	for i := 0; i < len(objects); i += 2 {
		must(b.s3.PutObject(b.t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &objects[i], Body: strings.NewReader(objects[i+1])}))(b.t)
	}
}

// object reads an object at s3://BUCKET/KEY.
func (b *box) object(ctx context.Context, location string) (string, error) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(location, "s3://"), "/")
	got, err := b.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return "", err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	return string(text), err
}

func text(s *string) string { return aws.ToString(s) }
