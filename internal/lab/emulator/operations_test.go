package emulator_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// built are the operations that are promised, by service.
var built = map[string]string{
	"sagemaker": `CreateModel DescribeModel ListModels DeleteModel
		CreateEndpointConfig DescribeEndpointConfig ListEndpointConfigs DeleteEndpointConfig
		CreateEndpoint DescribeEndpoint ListEndpoints UpdateEndpoint UpdateEndpointWeightsAndCapacities DeleteEndpoint
		CreateTrainingJob DescribeTrainingJob ListTrainingJobs StopTrainingJob
		CreateModelPackageGroup DescribeModelPackageGroup ListModelPackageGroups DeleteModelPackageGroup
		CreateModelPackage DescribeModelPackage UpdateModelPackage ListModelPackages DeleteModelPackage
		AddTags ListTags DeleteTags`,
	"sagemaker-runtime": "InvokeEndpoint InvokeEndpointAsync InvokeEndpointWithResponseStream",
	"application-autoscaling": `RegisterScalableTarget DescribeScalableTargets DeregisterScalableTarget PutScalingPolicy DescribeScalingPolicies DeleteScalingPolicy
		DescribeScalingActivities PutScheduledAction DescribeScheduledActions DeleteScheduledAction`,
	"cloudwatch": `PutMetricData GetMetricData GetMetricStatistics ListMetrics PutMetricAlarm DescribeAlarms DeleteAlarms SetAlarmState DescribeAlarmHistory
		EnableAlarmActions DisableAlarmActions`,
	"s3": `CreateBucket HeadBucket DeleteBucket ListBuckets GetBucketLocation PutObject GetObject HeadObject DeleteObject DeleteObjects CopyObject ListObjects ListObjectsV2
		CreateMultipartUpload UploadPart UploadPartCopy CompleteMultipartUpload AbortMultipartUpload ListParts ListMultipartUploads`,
	"sns": `CreateTopic DeleteTopic ListTopics GetTopicAttributes SetTopicAttributes Subscribe ConfirmSubscription Unsubscribe ListSubscriptions ListSubscriptionsByTopic
		GetSubscriptionAttributes SetSubscriptionAttributes Publish`,
	"sqs": `CreateQueue DeleteQueue PurgeQueue GetQueueUrl ListQueues GetQueueAttributes SetQueueAttributes SendMessage SendMessageBatch ReceiveMessage
		DeleteMessage DeleteMessageBatch ChangeMessageVisibility`,
	"logs": "DescribeLogGroups DescribeLogStreams GetLogEvents",
	"sts":  "GetCallerIdentity",
	"iam":  "GetRole",
	"ecr":  "GetAuthorizationToken",
}

func TestEveryPromisedOperationIsThereAndNoOther(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	var got map[string][]string
	if _, body := b.do("GET", "/_emu/operations", ""); json.Unmarshal([]byte(body), &got) != nil {
		t.Fatal(body)
	}
	for service, names := range built {
		want := strings.Fields(names)
		slices.Sort(want)
		if !slices.Equal(got[service], want) {
			t.Errorf("%s has %q, want %q", service, got[service], want)
		}
	}
	if len(got) != len(built) {
		t.Errorf("%d services, want %d", len(got), len(built))
	}
}

// notThere is what is known and not built yet: as the README calls it, and a request for it.
var notThere = []struct {
	readme, name, method, path, body string
	headers                          []string
}{
	{"batch transform", "CreateTransformJob", "", "", "{}", target("SageMaker.CreateTransformJob")},
	{"batch transform", "DescribeTransformJob", "", "", "{}", target("SageMaker.DescribeTransformJob")},
	{"batch transform", "ListTransformJobs", "", "", "{}", target("SageMaker.ListTransformJobs")},
	{"batch transform", "StopTransformJob", "", "", "{}", target("SageMaker.StopTransformJob")},
	{"inference components", "CreateInferenceComponent", "", "", "{}", target("SageMaker.CreateInferenceComponent")},
	{"inference components", "DescribeInferenceComponent", "", "", "{}", target("SageMaker.DescribeInferenceComponent")},
	{"inference components", "UpdateInferenceComponent", "", "", "{}", target("SageMaker.UpdateInferenceComponent")},
	{"inference components", "UpdateInferenceComponentRuntimeConfig", "", "", "{}", target("SageMaker.UpdateInferenceComponentRuntimeConfig")},
	{"inference components", "DeleteInferenceComponent", "", "", "{}", target("SageMaker.DeleteInferenceComponent")},
	{"inference components", "ListInferenceComponents", "", "", "{}", target("SageMaker.ListInferenceComponents")},
	{"inference components", "Inference-Component", "", "/endpoints/echo/invocations", "x", []string{"X-Amzn-SageMaker-Inference-Component", "c"}},
	{"updates of training jobs", "UpdateTrainingJob", "", "", "{}", target("SageMaker.UpdateTrainingJob")},
	{"serverless variants", "ServerlessConfig", "", "", config(`"ServerlessConfig":{"MemorySizeInMB":1024,"MaxConcurrency":1}`, ""), target("SageMaker.CreateEndpointConfig")},
	{"explainers", "ExplainerConfig", "", "", config(one, `,"ExplainerConfig":{"ClarifyExplainerConfig":{}}`), target("SageMaker.CreateEndpointConfig")},
	{"explainers", "Enable-Explanations", "", "/endpoints/echo/invocations", "x", []string{"X-Amzn-SageMaker-Enable-Explanations", "`true`"}},
	{"data capture", "DataCaptureConfig", "", "", config(one, `,"DataCaptureConfig":{"EnableCapture":true,"InitialSamplingPercentage":1,"DestinationS3Uri":"s3://b/","CaptureOptions":[{"CaptureMode":"Input"}]}`), target("SageMaker.CreateEndpointConfig")},
	{"sessions", "Session-Id", "", "/endpoints/echo/invocations", "x", []string{"X-Amzn-SageMaker-Session-Id", "NEW_SESSION"}},
	{"filter policies", "FilterPolicy", "", "", "Action=SetSubscriptionAttributes&Version=2010-03-31&SubscriptionArn=SUBSCRIPTION&AttributeName=FilterPolicy&AttributeValue={}", nil},
	{"metric math", "Expression", "", "", `{"MetricDataQueries":[{"Id":"q","Expression":"1+1"}],"StartTime":0,"EndTime":60}`, target("GraniteServiceVersion20100801.GetMetricData")},
	{"composite alarms", "PutCompositeAlarm", "", "", "{}", target("GraniteServiceVersion20100801.PutCompositeAlarm")},
	{"dashboards", "PutDashboard", "", "", "{}", target("GraniteServiceVersion20100801.PutDashboard")},
	{"tags of scalable targets", "TagResource", "", "", "{}", target("AnyScaleFrontendService.TagResource")},
	{"tags of scalable targets", "ListTagsForResource", "", "", "{}", target("AnyScaleFrontendService.ListTagsForResource")},
	{"tags of objects", "tagging", "GET", "/data/key?tagging", "", nil},
}

const one = `"InstanceType":"ml.c5.large","InitialInstanceCount":1`

func config(variant, rest string) string {
	return `{"EndpointConfigName":"new","ProductionVariants":[{"VariantName":"v","ModelName":"echo",` + variant + `}]` + rest + `}`
}

func target(name string) []string { return []string{"X-Amz-Target", name} }

func TestWhatIsNotThereYetIsRefusedByNameAndStandsInTheReadme(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("echo", "builtin:echo", "", 1)
	b.do("PUT", "/data", "")
	b.do("PUT", "/data/key", "x")
	b.newQueue("q")
	_, made := b.topic("CreateTopic", "Name", "t")
	_, made = b.topic("Subscribe", "TopicArn", element(made, "TopicArn"), "Protocol", "sqs", "Endpoint", queueARN+"q")
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range notThere {
		t.Run(c.name, func(t *testing.T) {
			method, path := c.method, c.path
			if method == "" {
				method = "POST"
			}
			if path == "" {
				path = "/"
			}
			resp, said := b.do(method, path, strings.Replace(c.body, "SUBSCRIPTION", element(made, "SubscriptionArn"), 1), c.headers...)
			if resp.StatusCode != 400 || !strings.Contains(said, c.name) {
				t.Errorf("answered %d %s", resp.StatusCode, said)
			}
			if !strings.Contains(strings.ToLower(string(readme)), c.readme) {
				t.Errorf("the README does not say that %s are not there", c.readme)
			}
		})
	}
}
