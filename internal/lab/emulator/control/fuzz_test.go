package control_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzOperations sends anything to any operation: the answer is AWS's, never a crash or a 5xx.
func FuzzOperations(f *testing.F) {
	p := newPlane(f, f.TempDir())
	p.config("old", "builtin:echo", 1)
	for _, seed := range [][2]string{
		{"CreateModel", `{"ModelName":"a","PrimaryContainer":{"Image":"builtin:echo","Environment":{"A":"b"},"ModelDataSource":{"S3DataSource":{"S3Uri":"s3://b/k","S3DataType":"S3Object","CompressionType":"None"}}},"Tags":[{"Key":"k","Value":"v"}]}`},
		{"CreateModel", `{"ModelName":"b","Containers":[{"Image":"i","ContainerHostname":"h"},null],"InferenceExecutionConfig":{"Mode":"Direct"},"VpcConfig":{"Subnets":["s"]}}`},
		{"CreateModel", `{"ModelName":"c","PrimaryContainer":{"ModelPackageName":"fraud/1"}}`},
		{"DescribeModel", `{"ModelName":"old"}`}, {"ListModels", `{"SortBy":"Name","MaxResults":1,"NextToken":"b2xk"}`},
		{"CreateEndpointConfig", `{"EndpointConfigName":"c","ProductionVariants":[{"VariantName":"v","ModelName":"old","InitialInstanceCount":1,"InstanceType":"ml.c5.large","RoutingConfig":{"RoutingStrategy":"RANDOM"}}],"ShadowProductionVariants":[{"VariantName":"s","ModelName":"old"}]}`},
		{"CreateEndpoint", `{"EndpointName":"e","EndpointConfigName":"old","DeploymentConfig":null}`},
		{"UpdateEndpoint", `{"EndpointName":"e","EndpointConfigName":"old","DeploymentConfig":{"BlueGreenUpdatePolicy":{"TrafficRoutingConfiguration":{"Type":"CANARY","WaitIntervalInSeconds":0,"CanarySize":{"Type":"CAPACITY_PERCENT","Value":50}}},"AutoRollbackConfiguration":{"Alarms":[{"AlarmName":"a"}]}},"ExcludeRetainedVariantProperties":[{"VariantPropertyType":"DesiredWeight"}]}`},
		{"UpdateEndpoint", `{"EndpointName":"e","EndpointConfigName":"old","DeploymentConfig":{"RollingUpdatePolicy":{"MaximumBatchSize":{"Type":"INSTANCE_COUNT","Value":1},"WaitIntervalInSeconds":1}}}`},
		{"UpdateEndpointWeightsAndCapacities", `{"EndpointName":"e","DesiredWeightsAndCapacities":[{"VariantName":"all","DesiredWeight":1,"DesiredInstanceCount":2}]}`},
		{"CreateTrainingJob", `{"TrainingJobName":"j","RoleArn":"arn:aws:iam::000000000000:role/r","AlgorithmSpecification":{"TrainingImage":"builtin:xgboost","TrainingInputMode":"File","MetricDefinitions":[{"Name":"n","Regex":"("}]},"OutputDataConfig":{"S3OutputPath":"s3://b/p"},"InputDataConfig":[{"ChannelName":"c","DataSource":{"S3DataSource":{"S3DataType":"S3Prefix","S3Uri":"s3://b/x"}}}],"CheckpointConfig":{"S3Uri":"s3://b/c"},"RetryStrategy":{}}`},
		{"CreateModelPackageGroup", `{"ModelPackageGroupName":"fraud"}`}, {"CreateModelPackage", `{"ModelPackageGroupName":"fraud","InferenceSpecification":{"Containers":[{"Image":"i"}]},"ClientToken":"t"}`},
		{"UpdateModelPackage", `{"ModelPackageArn":"arn:aws:sagemaker:us-east-1:000000000000:model-package/fraud/1","ModelApprovalStatus":"Approved","CustomerMetadataProperties":{"a":"b"},"AdditionalInferenceSpecificationsToAdd":[1]}`},
		{"DescribeModelPackage", `{"ModelPackageName":"fraud/1"}`}, {"ListModelPackages", `{"ModelPackageType":"Both"}`}, {"DeleteModelPackage", `{"ModelPackageName":"fraud/1"}`},
		{"AddTags", `{"ResourceArn":"arn:aws:sagemaker:us-east-1:000000000000:model/old","Tags":[{"Key":"k","Value":"v"}]}`}, {"ListTags", `[]`}, {"DeleteTags", `null`},
		{"DescribeEndpoint", `{"EndpointName":"e"}`}, {"DeleteEndpoint", `{"EndpointName":"e"}`}, {"StopTrainingJob", `{`}, {"Fly", `{}`}, {"", ``},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, operation, body string) {
		if strings.Contains(body, "exec:") || strings.Contains(body, "http") { // nothing is run or called here
			return
		}
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "SageMaker."+operation)
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if w.Code != 200 && w.Code != 400 {
			t.Errorf("%s %s was answered %d %s", operation, body, w.Code, w.Body)
		}
		var answer any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || holdsNull(answer) {
			t.Errorf("%s %s was answered %s (%v)", operation, body, w.Body, err)
		}
	})
}

func holdsNull(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			if holdsNull(inner) {
				return true
			}
		}
	case []any:
		for _, inner := range v {
			if holdsNull(inner) {
				return true
			}
		}
	}
	return v == nil
}
