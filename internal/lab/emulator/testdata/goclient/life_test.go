package goclient

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	runtime "github.com/aws/aws-sdk-go-v2/service/sagemakerruntime/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// most is longer than any wait here.
const most = 10 * time.Minute

// variant is one variant of a model on count instances.
func variant(name, model string, count int32) types.ProductionVariant {
	return types.ProductionVariant{VariantName: &name, ModelName: &model, InitialInstanceCount: &count, InstanceType: types.ProductionVariantInstanceTypeMlC5Xlarge}
}

// model makes a model of an image.
func (b *box) model(name, image, data string) {
	b.t.Helper()
	c := &types.ContainerDefinition{Image: &image}
	if data != "" {
		c.ModelDataUrl = &data
	}
	must(b.sm.CreateModel(b.t.Context(), &sagemaker.CreateModelInput{ModelName: &name, ExecutionRoleArn: aws.String(role), PrimaryContainer: c}))(b.t)
}

// config makes a model of an image and a config of the same name.
func (b *box) config(name, image string, count int32) {
	b.t.Helper()
	b.model(name, image, "")
	must(b.sm.CreateEndpointConfig(b.t.Context(), &sagemaker.CreateEndpointConfigInput{
		EndpointConfigName: &name, ProductionVariants: []types.ProductionVariant{variant("AllTraffic", name, count)}}))(b.t)
}

// deploy makes an endpoint of a config and waits until it is in service.
func (b *box) deploy(name, config string) {
	b.t.Helper()
	must(b.sm.CreateEndpoint(b.t.Context(), &sagemaker.CreateEndpointInput{EndpointName: &name, EndpointConfigName: &config}))(b.t)
	b.inService(name)
}

// inService waits as users do.
func (b *box) inService(name string) {
	b.t.Helper()
	if err := sagemaker.NewEndpointInServiceWaiter(b.sm).Wait(b.t.Context(), &sagemaker.DescribeEndpointInput{EndpointName: &name}, most); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) describe(name string) *sagemaker.DescribeEndpointOutput {
	b.t.Helper()
	return must(b.sm.DescribeEndpoint(b.t.Context(), &sagemaker.DescribeEndpointInput{EndpointName: &name}))(b.t)
}

// invoke sends CSV and gives the answer.
func (b *box) invoke(name, body string) (*sagemakerruntime.InvokeEndpointOutput, error) {
	return b.rt.InvokeEndpoint(b.t.Context(), invocation(name, body))
}

func invocation(name, body string) *sagemakerruntime.InvokeEndpointInput {
	return &sagemakerruntime.InvokeEndpointInput{EndpointName: &name, ContentType: aws.String("text/csv"), Body: []byte(body)}
}

// rows have a label that is 1 where the first feature is above 0.5.
func rows() string {
	var csv strings.Builder
	for i := range 400 {
		label := 0
		if i%100 > 50 {
			label = 1
		}
		fmt.Fprintf(&csv, "%d,%g,%d\n", label, float64(i%100)/100, i%7)
	}
	return csv.String()
}

func TestAModelLivesFromItsDataToItsDeletion(t *testing.T) {
	t.Parallel()
	b := start(t, "fast")
	ctx := t.Context()
	if who := must(b.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}))(t); text(who.Account) != "000000000000" {
		t.Errorf("the account is %s", text(who.Account))
	}
	b.bucket("example", "train/part-0.csv", rows())
	done := b.train("first", job{image: "builtin:xgboost", hyper: map[string]string{"num_round": "10", "objective": "binary:logistic"}})
	if done.TrainingJobStatus != types.TrainingJobStatusCompleted || len(done.FinalMetricDataList) == 0 || aws.ToInt32(done.TrainingTimeInSeconds) < 1 {
		t.Fatalf("the job ended %s %s with %d metrics", done.TrainingJobStatus, text(done.FailureReason), len(done.FinalMetricDataList))
	}
	b.model("fraud", "builtin:xgboost", text(done.ModelArtifacts.S3ModelArtifacts))
	must(b.sm.CreateEndpointConfig(ctx, &sagemaker.CreateEndpointConfigInput{
		EndpointConfigName: aws.String("fraud"), ProductionVariants: []types.ProductionVariant{variant("AllTraffic", "fraud", 2)}}))(t)
	b.deploy("Fraud-1", "fraud")
	if asked := b.journal("request", "DescribeEndpoint"); len(asked) != 1 {
		t.Errorf("the waiter asked %d times: it did not return as soon as the endpoint was in service", len(asked))
	}
	if got := b.describe("Fraud-1"); aws.ToInt32(got.ProductionVariants[0].CurrentInstanceCount) != 2 || text(got.EndpointArn) != "arn:aws:sagemaker:us-east-1:000000000000:endpoint/Fraud-1" {
		t.Errorf("%s has %d instances", text(got.EndpointArn), aws.ToInt32(got.ProductionVariants[0].CurrentInstanceCount))
	}
	b.answers(t)
	b.changes(t)
	b.ends(t)
}

// answers invokes the trained model in CSV and JSON.
func (b *box) answers(t *testing.T) {
	t.Helper()
	got := must(b.invoke("Fraud-1", "0.9,1\n0.1,1"))(t)
	var high, low float64
	if _, err := fmt.Sscanf(string(got.Body), "%g\n%g", &high, &low); err != nil || high < 0.7 || low > 0.3 {
		t.Errorf("scores %s, %v", got.Body, err)
	}
	if text(got.InvokedProductionVariant) != "AllTraffic" || !strings.Contains(text(got.CustomAttributes), "q=") {
		t.Errorf("by %s with %s", text(got.InvokedProductionVariant), text(got.CustomAttributes))
	}
	asJSON := must(b.rt.InvokeEndpoint(t.Context(), &sagemakerruntime.InvokeEndpointInput{
		EndpointName: aws.String("Fraud-1"), ContentType: aws.String("text/csv"), Accept: aws.String("application/json"), Body: []byte("0.9,1"),
		InferenceId: aws.String("one"), TargetVariant: aws.String("AllTraffic"), CustomAttributes: aws.String("a=b")}))(t)
	if !strings.Contains(string(asJSON.Body), `"predictions"`) || text(asJSON.ContentType) != "application/json" {
		t.Errorf("JSON %s as %s", asJSON.Body, text(asJSON.ContentType))
	}
}

// changes updates the endpoint and its number of instances.
func (b *box) changes(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	b.config("echo", "builtin:echo", 1)
	must(b.sm.UpdateEndpoint(ctx, &sagemaker.UpdateEndpointInput{EndpointName: aws.String("Fraud-1"), EndpointConfigName: aws.String("echo")}))(t)
	b.inService("Fraud-1")
	if got := must(b.invoke("Fraud-1", "\x00binary"))(t); string(got.Body) != "\x00binary" {
		t.Errorf("after the update it answers %q", got.Body)
	}
	must(b.sm.UpdateEndpointWeightsAndCapacities(ctx, &sagemaker.UpdateEndpointWeightsAndCapacitiesInput{EndpointName: aws.String("Fraud-1"),
		DesiredWeightsAndCapacities: []types.DesiredWeightAndCapacity{{VariantName: aws.String("AllTraffic"), DesiredInstanceCount: aws.Int32(3)}}}))(t)
	b.inService("Fraud-1")
	if got := b.describe("Fraud-1"); aws.ToInt32(got.ProductionVariants[0].CurrentInstanceCount) != 3 || text(got.EndpointConfigName) != "echo" {
		t.Errorf("%d instances of %s", aws.ToInt32(got.ProductionVariants[0].CurrentInstanceCount), text(got.EndpointConfigName))
	}
}

// ends deletes the endpoint and what it was made of.
func (b *box) ends(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	must(b.sm.DeleteEndpoint(ctx, &sagemaker.DeleteEndpointInput{EndpointName: aws.String("Fraud-1")}))(t)
	if err := sagemaker.NewEndpointDeletedWaiter(b.sm).Wait(ctx, &sagemaker.DescribeEndpointInput{EndpointName: aws.String("Fraud-1")}, most); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fraud", "echo"} {
		must(b.sm.DeleteEndpointConfig(ctx, &sagemaker.DeleteEndpointConfigInput{EndpointConfigName: &name}))(t)
		must(b.sm.DeleteModel(ctx, &sagemaker.DeleteModelInput{ModelName: &name}))(t)
	}
	left := must(b.sm.ListModels(ctx, &sagemaker.ListModelsInput{}))(t)
	if len(left.Models) != 0 {
		t.Errorf("%d models are left", len(left.Models))
	}
}

// job is what a test says of a training job; the rest is the same for all.
type job struct {
	image   string
	hyper   map[string]string
	metrics []types.MetricDefinition
	seconds int32
	input   string // empty: s3://example/train/
}

// order starts a training job.
func (b *box) order(name string, j job) (*sagemaker.CreateTrainingJobOutput, error) {
	input := j.input
	if input == "" {
		input = "s3://example/train/"
	}
	if j.seconds == 0 {
		j.seconds = 600
	}
	return b.sm.CreateTrainingJob(b.t.Context(), &sagemaker.CreateTrainingJobInput{
		TrainingJobName: &name, RoleArn: aws.String(role), HyperParameters: j.hyper,
		AlgorithmSpecification: &types.AlgorithmSpecification{TrainingImage: &j.image, TrainingInputMode: types.TrainingInputModeFile, MetricDefinitions: j.metrics},
		InputDataConfig: []types.Channel{{ChannelName: aws.String("train"), ContentType: aws.String("text/csv"),
			DataSource: &types.DataSource{S3DataSource: &types.S3DataSource{S3DataType: types.S3DataTypeS3Prefix, S3Uri: &input}}}},
		OutputDataConfig:  &types.OutputDataConfig{S3OutputPath: aws.String("s3://example/models")},
		ResourceConfig:    &types.ResourceConfig{InstanceType: types.TrainingInstanceTypeMlC5Xlarge, InstanceCount: aws.Int32(1), VolumeSizeInGB: aws.Int32(10)},
		StoppingCondition: &types.StoppingCondition{MaxRuntimeInSeconds: &j.seconds},
		Tags:              []types.Tag{{Key: aws.String("cut"), Value: aws.String("1")}},
	})
}

// train runs a training job to its end.
func (b *box) train(name string, j job) *sagemaker.DescribeTrainingJobOutput {
	b.t.Helper()
	must(b.order(name, j))(b.t)
	return b.trained(name)
}

// trained waits for the end of a training job.
func (b *box) trained(name string) *sagemaker.DescribeTrainingJobOutput {
	b.t.Helper()
	at := &sagemaker.DescribeTrainingJobInput{TrainingJobName: &name}
	err := sagemaker.NewTrainingJobCompletedOrStoppedWaiter(b.sm).Wait(b.t.Context(), at, most)
	got := must(b.sm.DescribeTrainingJob(b.t.Context(), at))(b.t)
	ended := []types.TrainingJobStatus{types.TrainingJobStatusCompleted, types.TrainingJobStatusStopped, types.TrainingJobStatusFailed}
	if !slices.Contains(ended, got.TrainingJobStatus) {
		b.t.Fatalf("waited for %s, which is %s: %v", name, got.TrainingJobStatus, err)
	}
	return got
}

// Not parallel: it sets the environment, as users do who change no line of their programs.
func TestTheAddressMayComeFromTheEnvironment(t *testing.T) {
	b := start(t, "instant")
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": b.url, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"} {
		t.Setenv(name, value)
	}
	c := must(config.LoadDefaultConfig(t.Context()))(t)
	b.model("fraud", "builtin:echo", "")
	if got := must(sagemaker.NewFromConfig(c).ListModels(t.Context(), &sagemaker.ListModelsInput{}))(t).Models; len(got) != 1 {
		t.Errorf("models %v", got)
	}
	if _, err := sagemakerruntime.NewFromConfig(c).InvokeEndpoint(t.Context(), invocation("none", "x")); !as[*runtime.ValidationError](err) {
		t.Errorf("the runtime: %v", err)
	}
}
