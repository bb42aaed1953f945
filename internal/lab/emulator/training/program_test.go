package training

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"betimes/internal/lab/emulator/engine"
)

// script writes a program for a job.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "prog ram")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return "exec:" + strings.ReplaceAll(path, " ", "%20")
}

// archived reads a tar.gz object: name → content.
func archived(t *testing.T, r *Runner, key string) map[string]string {
	t.Helper()
	body, _, err := r.Buckets.Read("data", key)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	zipped, err := gzip.NewReader(body)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for archive := tar.NewReader(zipped); ; {
		head, err := archive.Next()
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		found[head.Name] = string(content)
	}
}

func scripted(t *testing.T, text string) Job {
	return Job{Name: "j", Image: script(t, text), Output: "s3://data/out"}
}

func TestAProgramFindsItsInputsAndLeavesAModel(t *testing.T) {
	r := runner(t, map[string]string{"train/a.csv": "1", "train/deep/b.csv": "2", "train-not": "3", "saved/one": "old"})
	j := scripted(t, `set -e
[ "$1" = train ]
cp -r "$SM_CHANNEL_TRAIN" "$SM_MODEL_DIR/got"
cp "$SM_INPUT_CONFIG_DIR"/*.json "$SM_CHECKPOINT_DIR/one" "$SM_MODEL_DIR"
ln -s got/a.csv "$SM_MODEL_DIR/link"
env > "$SM_MODEL_DIR/env"
echo about > "$SM_OUTPUT_DATA_DIR/about"
echo new > "$SM_CHECKPOINT_DIR/two"
echo "loss=0.75"; echo "loss=0.5" >&2
`)
	j.ARN, j.Hyper = "arn:x", map[string]string{"eta": "0.1", "name": "a b"}
	j.Environment = map[string]string{"OWN": "yes"}
	j.Channels = []Channel{{Name: "train", URI: "s3://data/train/", ContentType: "text/csv"}}
	j.Metrics = []MetricDefinition{{"loss", `loss=([0-9.]+)`}}
	j.Checkpoints = "s3://data/saved"
	result, states, err := run(t.Context(), r, j)
	if err != nil || strings.Join(states, " ") != "Downloading Training Uploading" {
		t.Fatalf("%v %v", states, err)
	}
	if len(result.Metrics) != 1 || result.Metrics[0].Value != 0.5 {
		t.Errorf("metrics %v", result.Metrics)
	}
	got := archived(t, r, "out/j/output/model.tar.gz")
	for name, want := range map[string]string{
		"got/a.csv": "1", "got/deep/b.csv": "2", "link": "1", "one": "old",
		"hyperparameters.json": `{"eta":"0.1","name":"a b"}`,
		"inputdataconfig.json": `{"train":{"ContentType":"text/csv","RecordWrapperType":"None","S3DistributionType":"FullyReplicated","TrainingInputMode":"File"}}`,
	} {
		if got[name] != want {
			t.Errorf("%s holds %q, want %q", name, got[name], want)
		}
	}
	for _, want := range []string{"TRAINING_JOB_NAME=j\n", "TRAINING_JOB_ARN=arn:x\n", "OWN=yes\n", "SM_HP_ETA=0.1\n", `SM_HPS={"eta":0.1,"name":"a b"}` + "\n", `SM_CHANNELS=["train"]` + "\n", "SM_CURRENT_HOST=algo-1\n"} {
		if !strings.Contains(got["env"], want) {
			t.Errorf("the environment lacks %q", want)
		}
	}
	var resources struct{ Hosts []string }
	if err := json.Unmarshal([]byte(got["resourceconfig.json"]), &resources); err != nil || len(resources.Hosts) != 1 {
		t.Errorf("resourceconfig.json %s", got["resourceconfig.json"])
	}
	if archived(t, r, "out/j/output/output.tar.gz")["about"] != "about\n" {
		t.Error("the output folder was not kept")
	}
	if _, ok := r.Buckets.Info("data", "saved/two"); !ok {
		t.Error("the new checkpoint was not kept")
	}
	if _, err := os.Stat(filepath.Join(r.Dir, "running", "j")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the job's folder is still there: %v", err)
	}
}

func TestProgramsThatFailSayWhy(t *testing.T) {
	for name, c := range map[string]struct{ program, says string }{
		"with a failure file":   {"echo 'no label in row 3' > \"$SM_OUTPUT_DIR/failure\"; exit 1", "AlgorithmError: no label in row 3\n, exit code: 1"},
		"with a last line":      {"echo first; echo cannot go on >&2; exit 3", `AlgorithmError: the program wrote no output/failure; the last line of its log is "cannot go on", exit code: 3`},
		"by a signal":           {"kill -9 $$", `AlgorithmError: the program wrote no output/failure; the last line of its log is "", exit code: 137`},
		"without a model":       {"exit 0", "AlgorithmError: the program ended well and left no file in SM_MODEL_DIR"},
		"a link out":            {`ln -s /etc/passwd "$SM_MODEL_DIR/model"`, "AlgorithmError: model is a link to nothing inside the folder"},
		"the model is a link":   {`rmdir "$SM_MODEL_DIR"; ln -s /etc "$SM_MODEL_DIR"`, "AlgorithmError: the program left no folder /opt/ml/model"},
		"the failure is a link": {`ln -s /etc/hostname "$SM_OUTPUT_DIR/failure"; exit 1`, "AlgorithmError: the program wrote no output/failure"},
		"the failure is a pipe": {`mkfifo "$SM_OUTPUT_DIR/failure"; exit 1`, "AlgorithmError: the program wrote no output/failure"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := run(t.Context(), runner(t, nil), scripted(t, c.program))
			if err == nil || !strings.HasPrefix(err.Error(), c.says) {
				t.Errorf("error %v, want %s", err, c.says)
			}
		})
	}
}

func TestALongFailureKeepsItsExitCode(t *testing.T) {
	_, _, err := run(t.Context(), runner(t, nil), scripted(t, `yes ü | head -c 100000 > "$SM_OUTPUT_DIR/failure"; exit 7`))
	if err == nil || len(err.Error()) > maxFailure || !strings.HasSuffix(err.Error(), ", exit code: 7") {
		t.Errorf("error %v", err)
	}
}

func TestImagesThatAreNoProgram(t *testing.T) {
	for _, image := range []string{"exec:/no/such/file", "exec:%zz", "exec:" + t.TempDir(), "exec:"} {
		_, _, err := run(t.Context(), runner(t, nil), Job{Name: "j", Image: image, Output: "s3://data/out"})
		if err == nil || !strings.HasPrefix(err.Error(), "ClientError: image ") {
			t.Errorf("%s: %v", image, err)
		}
	}
	r := runner(t, nil)
	r.Beyond = "0.0.0.0:80"
	asked := filepath.Join(t.TempDir(), "asked")
	docker := filepath.Join(t.TempDir(), "docker")
	if err := os.WriteFile(docker, []byte("#!/bin/sh\ntouch "+asked+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	r.Engine = &engine.Engine{Program: docker}
	registry := scripted(t, "exit 0")
	registry.Image = "registry/own:1"
	for _, j := range []Job{scripted(t, "exit 0"), registry} {
		if _, _, err := run(t.Context(), r, j); err == nil || !strings.Contains(err.Error(), "listen on 127.0.0.1") {
			t.Errorf("%s for anyone: %v", j.Image, err)
		}
	}
	if _, err := os.Stat(asked); err == nil {
		t.Error("the engine was asked for its images")
	}
}

func TestAStoppedProgramMaySaveItsModel(t *testing.T) {
	for name, cause := range map[string]error{"by a user": ErrStopped, "by its time": ErrRuntime} {
		t.Run(name, func(t *testing.T) {
			r := runner(t, nil)
			ready := filepath.Join(t.TempDir(), "ready")
			j := scripted(t, `trap 'echo saved > "$SM_MODEL_DIR/model"; exit 0' TERM
echo > "`+ready+`"
while :; do sleep 0.02; done`)
			j.Runtime = time.Hour
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			go func() {
				for _, err := os.Stat(ready); err != nil; _, err = os.Stat(ready) {
					<-time.After(5 * time.Millisecond)
				}
				if cause == ErrRuntime {
					_, _ = r.Clock.Advance(ctx, time.Hour) // the job says how it ended
				} else {
					cancel(cause)
				}
			}()
			result, _, err := run(ctx, r, j)
			if !errors.Is(err, cause) || result.Artefact == "" {
				t.Fatalf("%v, %v", result, err)
			}
			if got := archived(t, r, "out/j/output/model.tar.gz"); got["model"] != "saved\n" {
				t.Errorf("model %v", got)
			}
		})
	}
}

func TestAProgramThatDoesNotEndIsKilledWithItsChildren(t *testing.T) {
	for name, cause := range map[string]error{"stopped": ErrStopped, "the emulator ends": context.Canceled} {
		t.Run(name, func(t *testing.T) {
			r := runner(t, nil)
			r.Grace = 50 * time.Millisecond
			alive := filepath.Join(t.TempDir(), "alive")
			j := scripted(t, fmt.Sprintf(`trap '' TERM; (trap '' TERM; while :; do date > %q; sleep 0.02; done) & while :; do sleep 0.02; done`, alive))
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(200*time.Millisecond, func() { cancel(cause) })
			if _, _, err := run(ctx, r, j); !errors.Is(err, cause) {
				t.Fatalf("error %v", err)
			}
			_ = os.Remove(alive)
			<-time.After(100 * time.Millisecond)
			if _, err := os.Stat(alive); err == nil {
				t.Error("a child of the program still runs")
			}
		})
	}
}

func TestAFloodOfLogFillsNothing(t *testing.T) {
	var kept strings.Builder
	log := &boundedLog{w: &kept, left: 10}
	for range 100 {
		if n, err := log.Write([]byte("12345678")); n != 8 || err != nil {
			t.Fatal(n, err)
		}
	}
	if kept.String() != "1234567812\nthe log is cut here\n" {
		t.Errorf("kept %q", kept.String())
	}
}

func TestAdvancedTimeDoesNotWaitForAProgram(t *testing.T) {
	r := runner(t, nil)
	j := scripted(t, `while :; do sleep 0.02; done`)
	j.Runtime = time.Hour
	r.Grace = time.Second
	done := make(chan error, 1)
	r.Clock.Go(func() {
		_, err := r.Run(t.Context(), j, func(string, string) {})
		done <- err
	})
	for advanced := time.Duration(0); ; advanced += time.Minute {
		select {
		case err := <-done:
			if !errors.Is(err, ErrRuntime) || advanced > 3*time.Hour {
				t.Errorf("after %s: %v", advanced, err)
			}
			return
		default:
			if _, err := r.Clock.Advance(t.Context(), time.Minute); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestNamesInTheFolderOfAChannel(t *testing.T) {
	for _, c := range []struct{ prefix, key, want string }{
		{"train/", "train/a", "a"}, {"train/", "train/d/a", "d/a"}, {"train", "train/a", "a"}, {"tr", "train/a", "train/a"},
		{"train/a", "train/abc", "abc"}, {"train/a", "train/a", "a"}, {"", "x/y", "x/y"}, {"train/", "train/", ""}, {"train", "train/d/", ""},
	} {
		if got := below(c.prefix, c.key); got != c.want {
			t.Errorf("%q below %q is %q, want %q", c.key, c.prefix, got, c.want)
		}
	}
}

func TestAKeyLeadsNotOutOfItsChannel(t *testing.T) {
	r := runner(t, map[string]string{"train/../../../../x": "1"})
	j := scripted(t, "exit 0")
	j.Channels = []Channel{{Name: "train", URI: "s3://data/train/"}}
	if _, _, err := run(t.Context(), r, j); err == nil || !strings.HasPrefix(err.Error(), "ClientError: Data download failed: s3://data/train/../../../../x: ") {
		t.Errorf("error %v", err)
	}
}

func TestAManifestNamesTheObjects(t *testing.T) {
	r := runner(t, map[string]string{"p/a.csv": rows, "p/b.csv": rows, "p/c.csv": "0,0,0\n", "m": `[{"prefix":"s3://data/p/"},"a.csv","b.csv"]`, "bad": `[]`})
	j := Job{Name: "j", Algorithm: "xgboost", Hyper: map[string]string{"num_round": "2"}, Output: "s3://data/out",
		Channels: []Channel{{Name: "train", URI: "s3://data/m", Manifest: true}}}
	if _, _, err := run(t.Context(), r, j); err != nil {
		t.Error(err)
	}
	j.Channels[0].URI = "s3://data/bad"
	if _, _, err := run(t.Context(), r, j); err == nil || !strings.Contains(err.Error(), "it names no object") {
		t.Errorf("error %v", err)
	}
}

func TestCheckpointsAreKeptWhileAProgramRuns(t *testing.T) {
	r := runner(t, nil)
	begun := filepath.Join(t.TempDir(), "go")
	j := scripted(t, `echo one > "$SM_CHECKPOINT_DIR/one"; while [ ! -e "`+begun+`" ]; do sleep 0.02; done; kill -9 $$`)
	j.Checkpoints = "s3://data/saved"
	go func() {
		for _, ok := r.Buckets.Info("data", "saved/one"); !ok; _, ok = r.Buckets.Info("data", "saved/one") {
			<-time.After(5 * time.Millisecond)
		}
		_ = os.WriteFile(begun, nil, 0o600)
	}()
	if _, _, err := run(t.Context(), r, j); err == nil || !strings.Contains(err.Error(), "exit code: 137") {
		t.Errorf("error %v", err)
	}
}

func TestWhatHasNoPlaceForItsResultIsNotRun(t *testing.T) {
	r := runner(t, nil)
	ran := filepath.Join(t.TempDir(), "ran")
	for says, change := range map[string]func(*Job){
		"ClientError: OutputDataConfig.S3OutputPath: the bucket of s3://none/out does not exist; create it first": func(j *Job) { j.Output = "s3://none/out" },
		"ClientError: CheckpointConfig.S3Uri: the bucket of s3://none/c does not exist; create it first":          func(j *Job) { j.Checkpoints = "s3://none/c" },
		`ClientError: OutputDataConfig.S3OutputPath: "https://b/k" is not s3://BUCKET/KEY`:                        func(j *Job) { j.Output = "https://b/k" },
	} {
		j := scripted(t, `echo > "`+ran+`"`)
		change(&j)
		if _, _, err := run(t.Context(), r, j); err == nil || err.Error() != says {
			t.Errorf("%v, want %s", err, says)
		}
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("a program ran")
	}
}

func TestAFastFileChannelIsSaidToBeOne(t *testing.T) {
	r := runner(t, map[string]string{"train/a": "1"})
	j := scripted(t, `grep -q '"TrainingInputMode":"FastFile"' "$SM_INPUT_CONFIG_DIR/inputdataconfig.json" && cp "$SM_CHANNEL_TRAIN/a" "$SM_MODEL_DIR"`)
	j.Channels = []Channel{{Name: "train", URI: "s3://data/train/", Mode: "FastFile"}}
	if _, _, err := run(t.Context(), r, j); err != nil {
		t.Error(err)
	}
}

func FuzzManifest(f *testing.F) {
	for _, seed := range []string{`[{"prefix":"s3://b/p/"},"a"]`, `[]`, `[1]`, `[{},""]`, `{`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := parseManifest(text)
		if err == nil && len(all) == 0 {
			t.Fatal("no object and no error")
		}
	})
}
