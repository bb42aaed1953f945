package goclient

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	auto "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	watch "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	storage "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	runtime "github.com/aws/aws-sdk-go-v2/service/sagemakerruntime/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	queue "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// waiting is an asynchronous endpoint whose notifications come into a queue.
type waiting struct {
	*box
	queue string // its URL
}

func (b *box) async(name string) *waiting {
	b.t.Helper()
	ctx := b.t.Context()
	b.bucket("data", "in.csv", "from S3")
	topic := must(b.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("ended")}))(b.t).TopicArn
	w := &waiting{b, text(must(b.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("ended")}))(b.t).QueueUrl)}
	about := must(b.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &w.queue, AttributeNames: []queue.QueueAttributeName{queue.QueueAttributeNameQueueArn}}))(b.t)
	must(b.sns.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: aws.String("sqs"), Endpoint: aws.String(about.Attributes["QueueArn"])}))(b.t)
	b.model(name, "builtin:echo", "")
	must(b.sm.CreateEndpointConfig(ctx, &sagemaker.CreateEndpointConfigInput{
		EndpointConfigName: &name, ProductionVariants: []types.ProductionVariant{variant("AllTraffic", name, 1)},
		AsyncInferenceConfig: &types.AsyncInferenceConfig{OutputConfig: &types.AsyncInferenceOutputConfig{
			S3OutputPath: aws.String("s3://data/out"), S3FailurePath: aws.String("s3://data/bad"),
			NotificationConfig: &types.AsyncInferenceNotificationConfig{SuccessTopic: topic, ErrorTopic: topic}}}}))(b.t)
	b.deploy(name, name)
	return w
}

// notice is what a notification says.
type notice struct {
	EventName, InvocationStatus, FailureReason, InferenceID string
	ResponseParameters                                      struct{ OutputLocation string }
}

// ended waits for the next notification of a result.
func (w *waiting) ended() notice {
	w.t.Helper()
	for {
		got := must(w.sqs.ReceiveMessage(w.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &w.queue, WaitTimeSeconds: 10}))(w.t)
		if len(got.Messages) == 0 {
			w.t.Fatal("no notification")
		}
		must(w.sqs.DeleteMessage(w.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &w.queue, ReceiptHandle: got.Messages[0].ReceiptHandle}))(w.t)
		var envelope struct{ Message string }
		var n notice
		if err := errors.Join(json.Unmarshal([]byte(text(got.Messages[0].Body)), &envelope), json.Unmarshal([]byte(envelope.Message), &n)); err != nil {
			w.t.Fatal(err)
		}
		if n.EventName != "TestNotification" {
			return n
		}
	}
}

// ask sends a request; the endpoint and the id are filled in.
func (w *waiting) ask(in sagemakerruntime.InvokeEndpointAsyncInput) *sagemakerruntime.InvokeEndpointAsyncOutput {
	w.t.Helper()
	in.EndpointName, in.InferenceId, in.ContentType = aws.String("slow"), aws.String("mine"), aws.String("text/csv")
	return must(w.rt.InvokeEndpointAsync(w.t.Context(), &in))(w.t)
}

// is checks a notification and the object that it tells of.
func (w *waiting) is(n notice, want string, answer *sagemakerruntime.InvokeEndpointAsyncOutput) {
	w.t.Helper()
	if n.InvocationStatus != "Completed" || n.InferenceID != "mine" || n.ResponseParameters.OutputLocation != text(answer.OutputLocation) {
		w.t.Errorf("notified %+v", n)
	}
	if got, err := w.object(w.t.Context(), text(answer.OutputLocation)); err != nil || got != want {
		w.t.Errorf("output %q, %v", got, err)
	}
}

// fails checks a notification of a failure, and the objects.
func (w *waiting) fails(n notice, says string, answer *sagemakerruntime.InvokeEndpointAsyncOutput) {
	w.t.Helper()
	if n.InvocationStatus != "Failed" || !strings.Contains(n.FailureReason, says) {
		w.t.Errorf("notified %+v", n)
	}
	if got, err := w.object(w.t.Context(), text(answer.FailureLocation)); err != nil || got == "" {
		w.t.Errorf("failure %q, %v", got, err)
	}
	if _, err := w.object(w.t.Context(), text(answer.OutputLocation)); !as[*storage.NoSuchKey](err) {
		w.t.Errorf("output %v", err)
	}
}

func TestAsynchronousRequestsEndInObjectsAndNotifications(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	w := b.async("slow")
	answer := w.ask(sagemakerruntime.InvokeEndpointAsyncInput{InputLocation: aws.String("s3://data/in.csv")})
	if text(answer.InferenceId) != "mine" || !strings.HasPrefix(text(answer.OutputLocation), "s3://data/out/") || !strings.HasPrefix(text(answer.FailureLocation), "s3://data/bad/") {
		t.Errorf("answered %s, %s, %s", text(answer.InferenceId), text(answer.OutputLocation), text(answer.FailureLocation))
	}
	w.is(w.ended(), "from S3", answer)
	answer = w.ask(sagemakerruntime.InvokeEndpointAsyncInput{Body: []byte("inline"), Filename: aws.String("one.txt"), S3OutputPathExtension: aws.String("a/b")})
	if text(answer.OutputLocation) != "s3://data/out/a/b/one.txt" {
		t.Errorf("the output will be at %s", text(answer.OutputLocation))
	}
	w.is(w.ended(), "inline", answer)
	answer = w.ask(sagemakerruntime.InvokeEndpointAsyncInput{InputLocation: aws.String("s3://data/none")})
	w.fails(w.ended(), "Failed to download s3://data/none", answer)
	_, err := b.rt.InvokeEndpointAsync(t.Context(), &sagemakerruntime.InvokeEndpointAsyncInput{EndpointName: aws.String("slow"), Body: []byte("x"), InputLocation: aws.String("s3://data/in.csv")})
	if !as[*runtime.ValidationError](err) {
		t.Errorf("input and body: %v", err)
	}
	if _, err := b.invoke("slow", "x"); !as[*runtime.ValidationError](err) {
		t.Errorf("a synchronous call: %v", err)
	}
}

func TestAnAsynchronousEndpointScalesFromNothingAndBack(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	w := b.async("slow")
	w.scaled()
	for range 17 {
		b.elapse("1m")
	}
	if n := b.instances("slow"); n != 0 {
		t.Fatalf("%d instances although nothing waits", n)
	}
	late := w.ask(sagemakerruntime.InvokeEndpointAsyncInput{Body: []byte("late"), RequestTTLSeconds: aws.Int32(60)})
	wakes := w.ask(sagemakerruntime.InvokeEndpointAsyncInput{Body: []byte("wake up")})
	b.elapse("61s")
	w.fails(w.ended(), "expired", late)
	for range 2 {
		b.elapse("1m")
	}
	w.is(w.ended(), "wake up", wakes) // by an instance, which goes when nothing waits
	for range 17 {
		b.elapse("1m")
	}
	if n := b.instances("slow"); n != 0 {
		t.Errorf("%d instances although nothing waits any longer", n)
	}
}

// scaled lets the backlog decide how many instances there are, none among them.
func (w *waiting) scaled() {
	w.t.Helper()
	ctx := w.t.Context()
	at := []watch.Dimension{{Name: aws.String("EndpointName"), Value: aws.String("slow")}}
	must(w.auto.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{ServiceNamespace: auto.ServiceNamespaceSagemaker,
		ResourceId: aws.String("endpoint/slow/variant/AllTraffic"), ScalableDimension: instanceCount, MinCapacity: aws.Int32(0), MaxCapacity: aws.Int32(2)}))(w.t)
	w.policy("slow", &applicationautoscaling.PutScalingPolicyInput{PolicyName: aws.String("track"), PolicyType: auto.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &auto.TargetTrackingScalingPolicyConfiguration{TargetValue: aws.Float64(5), CustomizedMetricSpecification: &auto.CustomizedMetricSpecification{
			MetricName: aws.String("ApproximateBacklogSizePerInstance"), Namespace: aws.String("AWS/SageMaker"), Statistic: auto.MetricStatisticAverage,
			Dimensions: []auto.MetricDimension{{Name: aws.String("EndpointName"), Value: aws.String("slow")}}}}})
	first := w.policy("slow", &applicationautoscaling.PutScalingPolicyInput{PolicyName: aws.String("first"), PolicyType: auto.PolicyTypeStepScaling,
		StepScalingPolicyConfiguration: &auto.StepScalingPolicyConfiguration{AdjustmentType: auto.AdjustmentTypeChangeInCapacity,
			StepAdjustments: []auto.StepAdjustment{{MetricIntervalLowerBound: aws.Float64(0), ScalingAdjustment: aws.Int32(1)}}}})
	must(w.cw.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{AlarmName: aws.String("backlog"), Namespace: aws.String("AWS/SageMaker"), MetricName: aws.String("HasBacklogWithoutCapacity"),
		Dimensions: at, Statistic: watch.StatisticAverage, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(2), Threshold: aws.Float64(1),
		ComparisonOperator: watch.ComparisonOperatorGreaterThanOrEqualToThreshold, AlarmActions: []string{text(first.PolicyARN)}}))(w.t)
}
