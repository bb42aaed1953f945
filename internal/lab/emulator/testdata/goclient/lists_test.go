package goclient

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	auto "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	watch "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	storage "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	notices "github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// many is more than one page of any list that is asked for by fives.
const many = 12

// pager is a paginator of the SDK.
type pager[Page, Option any] interface {
	HasMorePages() bool
	NextPage(ctx context.Context, options ...func(*Option)) (Page, error)
}

// through reads all pages and gives what name makes of each entry.
func through[Page, Option, Entry any](t *testing.T, p pager[Page, Option], entries func(Page) []Entry, name func(Entry) *string) []string {
	t.Helper()
	var all []string
	for p.HasMorePages() {
		for _, e := range entries(must(p.NextPage(t.Context()))(t)) {
			all = append(all, text(name(e)))
		}
	}
	return all
}

// fill makes many of everything that is listed.
func (b *box) fill() {
	b.t.Helper()
	ctx := b.t.Context()
	b.bucket("example", "train/part-0.csv", rows())
	must(b.sm.CreateModelPackageGroup(ctx, &sagemaker.CreateModelPackageGroupInput{ModelPackageGroupName: aws.String("versions")}))(b.t)
	for i := range many {
		name := fmt.Sprintf("n-%02d", i)
		b.config(name, "builtin:echo", 1)
		must(b.sm.CreateEndpoint(ctx, &sagemaker.CreateEndpointInput{EndpointName: &name, EndpointConfigName: &name}))(b.t)
		must(b.order(name, job{image: "builtin:xgboost", hyper: map[string]string{"num_round": "1"}}))(b.t)
		must(b.sm.CreateModelPackageGroup(ctx, &sagemaker.CreateModelPackageGroupInput{ModelPackageGroupName: &name}))(b.t)
		must(b.sm.CreateModelPackage(ctx, &sagemaker.CreateModelPackageInput{ModelPackageGroupName: aws.String("versions"),
			InferenceSpecification: &types.InferenceSpecification{Containers: []types.ModelPackageContainerDefinition{{Image: aws.String("builtin:echo")}}}}))(b.t)
		must(b.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: &name}))(b.t)
		must(b.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("example"), Key: aws.String("many/" + name), Body: strings.NewReader(name)}))(b.t)
		must(b.cw.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("own"), MetricData: []watch.MetricDatum{{MetricName: &name, Value: aws.Float64(1)}}}))(b.t)
		b.inService(name)
		b.scalable(name, 1, 2)
	}
}

func TestEveryListIsReadByPages(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	b.fill()
	five := aws.Int32(5)
	named := func(less, more string) []string { // n-00 to n-11 between two texts
		var all []string
		for i := range many {
			all = append(all, fmt.Sprintf("%sn-%02d%s", less, i, more))
		}
		return all
	}
	versions := func() (all []string) {
		for i := range many {
			all = append(all, fmt.Sprintf("arn:aws:sagemaker:us-east-1:000000000000:model-package/versions/%d", i+1))
		}
		return all
	}
	for _, c := range []struct {
		name      string
		got, want []string
	}{
		{"models", through(t, sagemaker.NewListModelsPaginator(b.sm, &sagemaker.ListModelsInput{MaxResults: five, SortBy: types.ModelSortKeyName, SortOrder: types.OrderKeyAscending}),
			func(p *sagemaker.ListModelsOutput) []types.ModelSummary { return p.Models }, func(m types.ModelSummary) *string { return m.ModelName }), named("", "")},
		{"configs, the newest first", reversed(through(t, sagemaker.NewListEndpointConfigsPaginator(b.sm, &sagemaker.ListEndpointConfigsInput{MaxResults: five}),
			func(p *sagemaker.ListEndpointConfigsOutput) []types.EndpointConfigSummary { return p.EndpointConfigs }, func(c types.EndpointConfigSummary) *string { return c.EndpointConfigName })), named("", "")},
		{"endpoints in service", through(t, sagemaker.NewListEndpointsPaginator(b.sm, &sagemaker.ListEndpointsInput{MaxResults: five, StatusEquals: types.EndpointStatusInService, SortOrder: types.OrderKeyAscending}),
			func(p *sagemaker.ListEndpointsOutput) []types.EndpointSummary { return p.Endpoints }, func(e types.EndpointSummary) *string { return e.EndpointName }), named("", "")},
		{"training jobs, the oldest first", through(t, sagemaker.NewListTrainingJobsPaginator(b.sm, &sagemaker.ListTrainingJobsInput{MaxResults: five, NameContains: aws.String("N-")}),
			func(p *sagemaker.ListTrainingJobsOutput) []types.TrainingJobSummary { return p.TrainingJobSummaries }, func(j types.TrainingJobSummary) *string { return j.TrainingJobName }), named("", "")},
		{"package groups", through(t, sagemaker.NewListModelPackageGroupsPaginator(b.sm, &sagemaker.ListModelPackageGroupsInput{MaxResults: five, NameContains: aws.String("n-")}),
			func(p *sagemaker.ListModelPackageGroupsOutput) []types.ModelPackageGroupSummary {
				return p.ModelPackageGroupSummaryList
			}, func(g types.ModelPackageGroupSummary) *string { return g.ModelPackageGroupName }), named("", "")},
		{"versions", through(t, sagemaker.NewListModelPackagesPaginator(b.sm, &sagemaker.ListModelPackagesInput{MaxResults: five, ModelPackageGroupName: aws.String("versions")}),
			func(p *sagemaker.ListModelPackagesOutput) []types.ModelPackageSummary {
				return p.ModelPackageSummaryList
			}, func(v types.ModelPackageSummary) *string { return v.ModelPackageArn }), versions()},
		{"objects", through(t, s3.NewListObjectsV2Paginator(b.s3, &s3.ListObjectsV2Input{Bucket: aws.String("example"), Prefix: aws.String("many/"), MaxKeys: five}),
			func(p *s3.ListObjectsV2Output) []storage.Object { return p.Contents }, func(o storage.Object) *string { return o.Key }), named("many/", "")},
		{"topics", through(t, sns.NewListTopicsPaginator(b.sns, &sns.ListTopicsInput{}),
			func(p *sns.ListTopicsOutput) []notices.Topic { return p.Topics }, func(o notices.Topic) *string { return o.TopicArn }), named("arn:aws:sns:us-east-1:000000000000:", "")},
		{"metrics", through(t, cloudwatch.NewListMetricsPaginator(b.cw, &cloudwatch.ListMetricsInput{Namespace: aws.String("own")}),
			func(p *cloudwatch.ListMetricsOutput) []watch.Metric { return p.Metrics }, func(m watch.Metric) *string { return m.MetricName }), named("", "")},
		{"scalable targets", through(t, applicationautoscaling.NewDescribeScalableTargetsPaginator(b.auto, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: auto.ServiceNamespaceSagemaker, MaxResults: five}),
			func(p *applicationautoscaling.DescribeScalableTargetsOutput) []auto.ScalableTarget {
				return p.ScalableTargets
			}, func(g auto.ScalableTarget) *string { return g.ResourceId }), named("endpoint/", "/variant/AllTraffic")},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !slices.Equal(c.got, c.want) {
				t.Errorf("listed %v, want %v", c.got, c.want)
			}
		})
	}
}

func reversed(all []string) []string {
	slices.Reverse(all)
	return all
}

func TestNamesKeepTheirCaseAndTagsTheirOrder(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	ctx := t.Context()
	b.model("Fraud-Model", "builtin:echo", "")
	got := must(b.sm.DescribeModel(ctx, &sagemaker.DescribeModelInput{ModelName: aws.String("Fraud-Model")}))(t)
	arn := text(got.ModelArn)
	if arn != "arn:aws:sagemaker:us-east-1:000000000000:model/Fraud-Model" {
		t.Errorf("the ARN is %s", arn)
	}
	tags := func(of string) (all []string) {
		for p := sagemaker.NewListTagsPaginator(b.sm, &sagemaker.ListTagsInput{ResourceArn: &of}); p.HasMorePages(); {
			for _, tag := range must(p.NextPage(ctx))(t).Tags {
				all = append(all, text(tag.Key)+"="+text(tag.Value))
			}
		}
		return all
	}
	added := must(b.sm.AddTags(ctx, &sagemaker.AddTagsInput{ResourceArn: &arn, Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("1")}, {Key: aws.String("a"), Value: aws.String("ü @/")}}}))(t)
	if len(added.Tags) != 2 {
		t.Errorf("added %v", added.Tags)
	}
	if got := tags(strings.ToLower(arn)); !slices.Equal(got, []string{"b=1", "a=ü @/"}) {
		t.Errorf("tags %v", got)
	}
	must(b.sm.DeleteTags(ctx, &sagemaker.DeleteTagsInput{ResourceArn: &arn, TagKeys: []string{"b"}}))(t)
	if got := tags(arn); !slices.Equal(got, []string{"a=ü @/"}) {
		t.Errorf("tags %v", got)
	}
	b.config("x", "builtin:echo", 1)
	b.deploy("Mixed", "x")
	if _, err := b.sm.CreateEndpoint(ctx, &sagemaker.CreateEndpointInput{EndpointName: aws.String("mixed"), EndpointConfigName: aws.String("x")}); err == nil {
		t.Error("a second endpoint differs in case alone")
	}
}

func TestAHundredCallsAreAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	b.config("fraud", "builtin:echo", 2)
	b.deploy("fraud", "fraud")
	var callers sync.WaitGroup
	for i := range 100 {
		callers.Go(func() {
			want := fmt.Sprint("row ", i)
			if got, err := b.invoke("fraud", want); err != nil || string(got.Body) != want {
				t.Errorf("call %d: %v", i, err)
			}
		})
	}
	callers.Wait()
}
