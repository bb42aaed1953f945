package goclient

import (
	"errors"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/smithy-go"
)

func TestAnApprovedVersionOfTheRegistryServes(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	ctx := t.Context()
	group := must(b.sm.CreateModelPackageGroup(ctx, &sagemaker.CreateModelPackageGroupInput{ModelPackageGroupName: aws.String("fraud"), ModelPackageGroupDescription: aws.String("scores")}))(t)
	version := must(b.sm.CreateModelPackage(ctx, &sagemaker.CreateModelPackageInput{ModelPackageGroupName: aws.String("fraud"), CustomerMetadataProperties: map[string]string{"cut": "7"},
		InferenceSpecification: &types.InferenceSpecification{Containers: []types.ModelPackageContainerDefinition{{Image: aws.String("builtin:echo")}},
			SupportedContentTypes: []string{"text/csv"}, SupportedResponseMIMETypes: []string{"text/csv"}},
		MetadataProperties: &types.MetadataProperties{CommitId: aws.String("abc")},
		ModelMetrics:       &types.ModelMetrics{ModelQuality: &types.ModelQuality{Statistics: &types.MetricsSource{ContentType: aws.String("application/json"), S3Uri: aws.String("s3://example/evaluation.json")}}}}))(t).ModelPackageArn
	if text(group.ModelPackageGroupArn) != "arn:aws:sagemaker:us-east-1:000000000000:model-package-group/fraud" || text(version) != "arn:aws:sagemaker:us-east-1:000000000000:model-package/fraud/1" {
		t.Errorf("made %s and %s", text(group.ModelPackageGroupArn), text(version))
	}
	model := &sagemaker.CreateModelInput{ModelName: aws.String("fraud"), PrimaryContainer: &types.ContainerDefinition{ModelPackageName: version}}
	var api smithy.APIError
	if _, err := b.sm.CreateModel(ctx, model); !errors.As(err, &api) || api.ErrorCode() != "ValidationException" {
		t.Errorf("a version without approval: %v", err)
	}
	must(b.sm.UpdateModelPackage(ctx, &sagemaker.UpdateModelPackageInput{ModelPackageArn: version, ModelApprovalStatus: types.ModelApprovalStatusApproved, ApprovalDescription: aws.String("auc 0.9")}))(t)
	got := must(b.sm.DescribeModelPackage(ctx, &sagemaker.DescribeModelPackageInput{ModelPackageName: version}))(t)
	if got.ModelApprovalStatus != types.ModelApprovalStatusApproved || aws.ToInt32(got.ModelPackageVersion) != 1 || !maps.Equal(got.CustomerMetadataProperties, map[string]string{"cut": "7"}) ||
		text(got.MetadataProperties.CommitId) != "abc" || text(got.ModelMetrics.ModelQuality.Statistics.S3Uri) != "s3://example/evaluation.json" || got.ModelPackageStatusDetails == nil {
		t.Errorf("described %+v", got)
	}
	must(b.sm.CreateModel(ctx, model))(t)
	must(b.sm.CreateEndpointConfig(ctx, &sagemaker.CreateEndpointConfigInput{EndpointConfigName: aws.String("fraud"), ProductionVariants: []types.ProductionVariant{variant("AllTraffic", "fraud", 1)}}))(t)
	b.deploy("fraud", "fraud")
	if answer := must(b.invoke("fraud", "x"))(t); string(answer.Body) != "x" {
		t.Errorf("answered %q", answer.Body)
	}
	_, err := b.sm.DeleteModelPackageGroup(ctx, &sagemaker.DeleteModelPackageGroupInput{ModelPackageGroupName: aws.String("fraud")})
	if !as[*types.ConflictException](err) {
		t.Errorf("deleting a group with a version: %v", err)
	}
	must(b.sm.DeleteModelPackage(ctx, &sagemaker.DeleteModelPackageInput{ModelPackageName: version}))(t)
	must(b.sm.DeleteModelPackageGroup(ctx, &sagemaker.DeleteModelPackageGroupInput{ModelPackageGroupName: aws.String("fraud")}))(t)
}
