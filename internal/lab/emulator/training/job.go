package training

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/engine"
	"betimes/internal/lab/emulator/objects"
	"betimes/internal/lab/emulator/program"
	"betimes/internal/lab/learn"
)

// Job is what to train.
type Job struct {
	Name, ARN string
	Algorithm string // learn.XGBoost, learn.LinearLearner; empty: Image is a program or a server
	Image     string // exec:PATH or http://HOST:PORT
	Hyper     map[string]string
	Channels  []Channel
	Output    string // s3://BUCKET/PREFIX
	Metrics   []MetricDefinition

	// For programs only.
	Arguments    []string // nil: train
	Environment  map[string]string
	InstanceType string
	Checkpoints  string        // s3://BUCKET/PREFIX, or empty
	Runtime      time.Duration // of the emulator's clock; 0: no limit
}

// Channel is one input of a job.
type Channel struct {
	Name, URI, ContentType      string
	Distribution, RecordWrapper string // in AWS's words, for programs
	Mode                        string // File, or FastFile: the same here, where all is on one disk
	Gzip                        bool
	Manifest                    bool // URI is an object that lists the objects
}

// Runner trains. Its delays are what AWS needs around the training itself.
type Runner struct {
	Buckets *objects.Buckets
	Clock   *clock.Clock
	Dir     string                                      // logs, and the folders of programs that run
	Output  func(stream string) (io.WriteCloser, error) // where a job logs; nil: a file in Dir
	Observe Observe                                     // may be nil
	Delay   func(secondaryStatus string) time.Duration  // nil: none
	Beyond  string                                      // address, when others than this machine's users reach it: then no programs
	Grace   time.Duration                               // between SIGTERM and SIGKILL; 0: AWS's 120 s

	Variables map[string]string // of programs: where AWS is
	Programs  program.Starter
	Engine    *engine.Engine // of images of a registry; nil: none
}

// Observe is told the metrics of a job that ended well.
type Observe func(job string, metrics []Metric)

// How a job may be asked to end, as the cause of its context. A program then
// has time to save its model. With any other cause it is killed.
var (
	ErrStopped = errors.New("the job was stopped")
	ErrRuntime = errors.New("maximum runtime exceeded")
)

// Result is what came out; of a program that was stopped, what it had saved.
type Result struct {
	Artefact string // s3://BUCKET/PREFIX/JOB/output/model.tar.gz
	Metrics  []Metric
}

// Report is told each state a job enters.
type Report func(secondaryStatus, message string)

// Artefact is where the model of a job goes.
func (j Job) Artefact() string {
	return strings.TrimSuffix(j.Output, "/") + "/" + j.Name + "/output/model.tar.gz"
}

// Run trains. Call it on a goroutine of the clock.
func (r *Runner) Run(ctx context.Context, j Job, report Report) (Result, error) {
	if err := r.canKeep(j); err != nil {
		return Result{}, err
	}
	if err := r.enter(ctx, report, "Downloading", "Downloading input data"); err != nil {
		return Result{}, err
	}
	if j.Algorithm == "" {
		return r.runProgram(ctx, j, report)
	}
	train, validation, err := r.download(j)
	if err != nil {
		return Result{}, err
	}
	if err := r.enter(ctx, report, "Training", "Training image download completed. Training in progress."); err != nil {
		return Result{}, err
	}
	log, err := r.log(j)
	if err != nil {
		return Result{}, err
	}
	defer log.Close()
	metrics := newWatcher(j.Metrics)
	model, err := learn.Train(ctx, j.Algorithm, j.Hyper, train, validation, io.MultiWriter(log, metrics))
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	if err != nil {
		return Result{}, fmt.Errorf("AlgorithmError: %w, exit code: 1", err)
	}
	if err := r.enter(ctx, report, "Uploading", "Uploading generated training model"); err != nil {
		return Result{}, err
	}
	final := metrics.final(r.Clock.Now())
	if r.Observe != nil {
		r.Observe(j.Name, final)
	}
	return Result{j.Artefact(), final}, r.upload(j, model)
}

// canKeep says before the work whether what comes out of it has a place.
func (r *Runner) canKeep(j Job) error {
	for _, to := range []struct{ member, uri string }{{"OutputDataConfig.S3OutputPath", j.Output}, {"CheckpointConfig.S3Uri", j.Checkpoints}} {
		if to.uri == "" {
			continue
		}
		bucket, _, err := Split(to.uri)
		if err != nil {
			return fmt.Errorf("ClientError: %s: %w", to.member, err)
		}
		if !r.Buckets.Has(bucket) {
			return fmt.Errorf("ClientError: %s: the bucket of %s does not exist; create it first", to.member, to.uri)
		}
	}
	return nil
}

// enter reports a state and spends the time AWS would.
func (r *Runner) enter(ctx context.Context, report Report, status, message string) error {
	report(status, message)
	if r.Delay == nil {
		return ctx.Err()
	}
	return r.Clock.Sleep(ctx, r.Delay(status))
}

// log is where a job logs: a stream of the one host that it has.
func (r *Runner) log(j Job) (io.WriteCloser, error) {
	if r.Output != nil {
		return r.Output(fmt.Sprintf("%s/algo-1-%d", j.Name, r.Clock.Now().Unix()))
	}
	if err := os.MkdirAll(r.Dir, 0o700); err != nil {
		return nil, err
	}
	return os.Create(filepath.Join(r.Dir, j.Name+".log"))
}

func (r *Runner) upload(j Job, m learn.Model) error {
	archive, err := pack(m)
	if err != nil {
		return err
	}
	bucket, key, err := Split(j.Artefact())
	if err != nil {
		return err
	}
	_, err = r.Buckets.Put(bucket, objects.Info{Key: key, Headers: map[string]string{"Content-Type": "application/x-tar"}}, archive)
	if err != nil {
		return fmt.Errorf("ClientError: Artifact upload failed: %w", err)
	}
	return nil
}

// pack makes model.tar.gz with model.json in it; it holds no time, so equal models are equal bytes.
func pack(m learn.Model) (*bytes.Buffer, error) {
	var model, archive bytes.Buffer
	if err := m.Write(&model); err != nil {
		return nil, err
	}
	zipped := gzip.NewWriter(&archive)
	files := tar.NewWriter(zipped)
	if err := files.WriteHeader(&tar.Header{Name: "model.json", Mode: 0o644, Size: int64(model.Len())}); err != nil {
		return nil, err
	}
	if _, err := model.WriteTo(files); err != nil {
		return nil, err
	}
	if err := files.Close(); err != nil {
		return nil, err
	}
	return &archive, zipped.Close()
}

// Split takes s3://BUCKET/KEY apart.
func Split(uri string) (bucket, key string, err error) {
	rest, ok := strings.CutPrefix(uri, "s3://")
	bucket, key, _ = strings.Cut(rest, "/")
	if !ok || bucket == "" {
		return "", "", fmt.Errorf("%q is not s3://BUCKET/KEY", uri)
	}
	return bucket, key, nil
}
