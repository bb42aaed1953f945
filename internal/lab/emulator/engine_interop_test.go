//go:build interop

package emulator_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"betimes/internal/lab/emulator"
	"betimes/internal/lab/emulator/engine"
)

// givenEngine names the command line of an engine that runs, to be tried in place of ours.
const givenEngine = "BETIMES_TEST_ENGINE"

const ownImage = "betimes-test/own:1"

// anEngine is one that has ownImage, and how to list its containers.
func anEngine(t *testing.T) (program string, containers func() string) {
	t.Helper()
	state := t.TempDir()
	image := filepath.Join(state, "images", ownImage)
	build := exec.CommandContext(t.Context(), "go", "build", "-o", image, "./testdata/container")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	run(t, build)
	if given := os.Getenv(givenEngine); given != "" {
		load := exec.CommandContext(t.Context(), given, "import", "--change", `ENTRYPOINT ["/container"]`, "-", ownImage)
		load.Stdin = bytes.NewReader(packed(t, image))
		run(t, load)
		t.Cleanup(func() { _ = exec.Command(given, "rmi", ownImage).Run() })
		return given, func() string {
			out, err := exec.Command(given, "ps", "--all", "--quiet", "--filter", "label=betimes").Output()
			must(t, err)
			return string(out)
		}
	}
	text, err := os.ReadFile("testdata/engine.sh")
	must(t, err)
	program = filepath.Join(state, "engine")
	must(t, os.WriteFile(program, text, 0o700))
	return program, func() string {
		left, err := filepath.Glob(filepath.Join(state, "*.container"))
		must(t, err)
		return strings.Join(left, " ")
	}
}

// packed is a file system of one program.
func packed(t *testing.T, file string) []byte {
	t.Helper()
	program, err := os.ReadFile(file)
	must(t, err)
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	must(t, w.WriteHeader(&tar.Header{Name: "container", Mode: 0o755, Size: int64(len(program))}))
	_, err = w.Write(program)
	must(t, err)
	must(t, w.Close())
	return out.Bytes()
}

// inContainer trains with an image and waits for the end.
func (b *box) inContainer(name, image string, hyper m, limit int) m {
	b.t.Helper()
	b.control("CreateTrainingJob", m{
		"TrainingJobName": name, "RoleArn": "arn:aws:iam::000000000000:role/betimes", "HyperParameters": hyper,
		"AlgorithmSpecification": m{"TrainingImage": image, "TrainingInputMode": "File", "MetricDefinitions": []m{{"Name": "rows", "Regex": "rows=(.*?);"}}},
		"InputDataConfig":        []m{{"ChannelName": "train", "DataSource": m{"S3DataSource": m{"S3DataType": "S3Prefix", "S3Uri": "s3://data/train/"}}}},
		"OutputDataConfig":       m{"S3OutputPath": "s3://data/models"}, "StoppingCondition": m{"MaxRuntimeInSeconds": limit},
		"ResourceConfig": m{"InstanceType": "ml.c5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
	})
	for {
		got := b.control("DescribeTrainingJob", m{"TrainingJobName": name})
		if got["TrainingJobStatus"] != "InProgress" && got["TrainingJobStatus"] != "Stopping" {
			return got
		}
	}
}

func TestInteropImagesOfARegistryTrainAndServe(t *testing.T) {
	program, containers := anEngine(t)
	config := emulator.DefaultConfig()
	config.Profile, config.Engine = "instant", program
	b := startWith(t, config, t.TempDir())
	b.do("PUT", "/data", "")
	b.do("PUT", "/data/train/a.csv", "1,2\n3,4\n")

	done := b.inContainer("good", ownImage, m{"weights": "w1"}, 600)
	if done["TrainingJobStatus"] != "Completed" || !strings.Contains(fmt.Sprint(done["FinalMetricDataList"]), "Value:2") {
		t.Fatalf("job %v", done)
	}
	if done = b.inContainer("bad", ownImage, m{"fail": "no memory"}, 600); done["FailureReason"] != "AlgorithmError: no memory, exit code: 3" {
		t.Errorf("job %v", done)
	}
	done = b.inContainer("long", ownImage, m{"wait": "yes"}, 2)
	if resp, _ := b.do("HEAD", "/data/models/long/output/model.tar.gz", ""); done["SecondaryStatus"] != "MaxRuntimeExceeded" || resp.StatusCode != 200 {
		t.Errorf("job %v, what it saved when it was asked to end is answered %d", done, resp.StatusCode)
	}

	b.control("CreateModel", m{"ModelName": "own", "PrimaryContainer": m{"Image": ownImage, "ModelDataUrl": "s3://data/models/good/output/model.tar.gz", "Environment": m{"WORD": "a b=c"}}})
	b.control("CreateEndpointConfig", m{"EndpointConfigName": "own", "ProductionVariants": []m{{"VariantName": "v", "ModelName": "own", "InitialInstanceCount": 2, "InstanceType": "ml.c5.large"}}})
	b.control("CreateEndpoint", m{"EndpointName": "own", "EndpointConfigName": "own"})
	b.await("own", "InService")
	for range 4 {
		if resp, got := b.do("POST", "/endpoints/own/invocations", "x"); resp.StatusCode != 200 || got != "w1 good|a b=c|x" {
			t.Errorf("answered %d %q", resp.StatusCode, got)
		}
	}
	if n := len(strings.Fields(containers())); n != 2 {
		t.Errorf("%d containers serve, want 2", n)
	}
	b.control("DeleteEndpoint", m{"EndpointName": "own"})
	b.control("DescribeEndpoint", m{"EndpointName": "own"})
	b.stop()
	if left := containers(); left != "" {
		t.Errorf("left: %s", left)
	}
}

func TestInteropAnImageThatTheEngineHasNotIsNamed(t *testing.T) {
	program, _ := anEngine(t)
	config := emulator.DefaultConfig()
	config.Profile, config.Engine = "instant", program
	b := startWith(t, config, t.TempDir())
	const unknown = "betimes-test/none:1"
	job := m{"TrainingJobName": "none", "RoleArn": "arn:aws:iam::000000000000:role/betimes", "AlgorithmSpecification": m{"TrainingImage": unknown, "TrainingInputMode": "File"}, "OutputDataConfig": m{"S3OutputPath": "s3://data/models"}}
	if got := b.control("CreateTrainingJob", job); got["__type"] != "ValidationException" || !strings.Contains(strings.ToLower(fmt.Sprint(got["message"])), "no such image: "+unknown) {
		t.Errorf("a job: %v", got)
	}
	b.config("none", unknown, "", 1)
	b.control("CreateEndpoint", m{"EndpointName": "none", "EndpointConfigName": "none"})
	got := b.control("DescribeEndpoint", m{"EndpointName": "none"})
	if got["EndpointStatus"] != "Failed" || !strings.Contains(strings.ToLower(fmt.Sprint(got["FailureReason"])), "no such image: "+unknown) {
		t.Errorf("an endpoint: %v", got)
	}
	if got := b.control("CreateModel", m{"ModelName": "option", "PrimaryContainer": m{"Image": "--privileged"}}); got["__type"] == nil {
		b.control("CreateEndpointConfig", m{"EndpointConfigName": "option", "ProductionVariants": []m{{"VariantName": "v", "ModelName": "option", "InitialInstanceCount": 1, "InstanceType": "ml.c5.large"}}})
		b.control("CreateEndpoint", m{"EndpointName": "option", "EndpointConfigName": "option"})
		if got := b.control("DescribeEndpoint", m{"EndpointName": "option"}); got["EndpointStatus"] != "Failed" {
			t.Errorf("an option of the engine as an image: %v", got)
		}
	}
}

func TestInteropContainersOfAKilledEmulatorAreRemovedAtItsNextStart(t *testing.T) {
	program, containers := anEngine(t)
	dir := t.TempDir()
	killed := &engine.Engine{Program: program, Dir: dir}
	base := filepath.Join(dir, "instances", "own")
	must(t, os.MkdirAll(filepath.Join(base, "ml", "model"), 0o700))
	must(t, os.WriteFile(filepath.Join(base, "ml", "model", "weights"), []byte("w"), 0o600))
	c, err := killed.Command(engine.Container{Image: ownImage, Base: base, Arguments: []string{"serve"}, Variables: []string{"SAGEMAKER_BIND_TO_PORT=0"}})
	must(t, err)
	command := exec.Command(c.Path, c.Arguments...)
	must(t, command.Start())
	for end := time.Now().Add(time.Minute); containers() == ""; {
		if time.Now().After(end) {
			t.Fatal("no container runs")
		}
	}
	must(t, command.Process.Kill())
	_ = command.Wait()
	if containers() == "" {
		t.Fatal("the container ended with its command line: there is nothing to see here")
	}
	config := emulator.DefaultConfig()
	config.Profile, config.Engine = "instant", program
	startWith(t, config, dir)
	if left := containers(); left != "" {
		t.Errorf("left: %s", left)
	}
}
