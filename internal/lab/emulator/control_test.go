package emulator_test

import (
	"fmt"
	"strings"
	"testing"
)

const arn = "arn:aws:sagemaker:us-east-1:000000000000:"

func TestTheControlPlaneRefusesInTheWordsOfAWS(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("fraud", "builtin:echo", "", 1)
	b.train("done", "builtin:xgboost", map[string]string{"num_round": "2"})
	variant := m{"VariantName": "v", "ModelName": "fraud", "InitialInstanceCount": 1, "InstanceType": "ml.c5.large"}
	job := m{"TrainingJobName": "j", "RoleArn": "arn:aws:iam::000000000000:role/r", "OutputDataConfig": m{"S3OutputPath": "s3://b/p"},
		"AlgorithmSpecification": m{"TrainingImage": "builtin:xgboost", "TrainingInputMode": "File"}}
	with := func(base m, name string, v any) m {
		all := m{name: v}
		for k, old := range base {
			if k != name {
				all[k] = old
			}
		}
		return all
	}
	for _, c := range []struct {
		name, operation string
		request         any
		kind, says      string
	}{
		{"an endpoint that is missing", "DescribeEndpoint", m{"EndpointName": "x"}, "ValidationException", `Could not find endpoint "` + arn + `endpoint/x".`},
		{"a missing endpoint to delete", "DeleteEndpoint", m{"EndpointName": "x"}, "ValidationException", `Could not find endpoint "` + arn + `endpoint/x".`},
		{"a missing config", "DescribeEndpointConfig", m{"EndpointConfigName": "x"}, "ValidationException", `Could not find endpoint configuration "` + arn + `endpoint-config/x".`},
		{"a missing model", "DescribeModel", m{"ModelName": "x"}, "ValidationException", `Could not find model "` + arn + `model/x".`},
		{"a missing training job", "DescribeTrainingJob", m{"TrainingJobName": "x"}, "ValidationException", "Requested resource not found."},
		{"an endpoint of a missing config", "CreateEndpoint", m{"EndpointName": "new", "EndpointConfigName": "x"}, "ValidationException", `Could not find endpoint configuration "` + arn + `endpoint-config/x".`},
		{"a second model of that name", "CreateModel", m{"ModelName": "fraud", "PrimaryContainer": m{"Image": "builtin:echo"}}, "ValidationException", `Cannot create already existing model "` + arn + `model/fraud".`},
		{"a second config of that name", "CreateEndpointConfig", m{"EndpointConfigName": "fraud", "ProductionVariants": []m{variant}}, "ValidationException", `Cannot create already existing endpoint configuration "` + arn + `endpoint-config/fraud".`},
		{"a second endpoint of that name in another case", "CreateEndpoint", m{"EndpointName": "FRAUD", "EndpointConfigName": "fraud"}, "ValidationException", `Cannot create already existing endpoint "` + arn + `endpoint/fraud".`},
		{"a second training job of that name", "CreateTrainingJob", with(job, "TrainingJobName", "done"), "ResourceInUse", "Training job names must be unique within an AWS account and region, and a training job with this name already exists (" + arn + "training-job/done)"},
		{"stopping a finished job", "StopTrainingJob", m{"TrainingJobName": "done"}, "ValidationException", "The request was rejected because the training job is in status Completed"},
		{"a name with an underscore", "CreateModel", m{"ModelName": "a_b", "PrimaryContainer": m{"Image": "i"}}, "ValidationException", `1 validation error detected: Value 'a_b' at 'modelName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9]([\-a-zA-Z0-9]*[a-zA-Z0-9])?`},
		{"three things at once", "CreateEndpoint", m{"EndpointName": strings.Repeat("x", 64)}, "ValidationException", "3 validation errors detected: Value '" + strings.Repeat("x", 64) + "' at 'endpointName' failed to satisfy constraint: Member must have length less than or equal to 63"},
		{"no variants", "CreateEndpointConfig", m{"EndpointConfigName": "x"}, "ValidationException", "Value null at 'productionVariants' failed to satisfy constraint: Member must not be null"},
		{"no instances", "CreateEndpointConfig", m{"EndpointConfigName": "x", "ProductionVariants": []m{with(variant, "InitialInstanceCount", 0)}}, "ValidationException", "Value '0' at 'productionVariants.1.member.initialInstanceCount' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"an instance type that is none", "CreateEndpointConfig", m{"EndpointConfigName": "x", "ProductionVariants": []m{with(variant, "InstanceType", "big")}}, "ValidationException", "Value 'big' at 'productionVariants.1.member.instanceType' failed to satisfy constraint: Member must satisfy enum value set: ["},
		{"a config of a missing model", "CreateEndpointConfig", m{"EndpointConfigName": "x", "ProductionVariants": []m{with(variant, "ModelName", "none")}}, "ValidationException", `Could not find model "` + arn + `model/none".`},
		{"a member of the wrong type", "CreateModel", m{"ModelName": 5}, "SerializationException", "cannot unmarshal number"},
		{"an order that is none", "ListModels", m{"SortOrder": "Up"}, "ValidationException", "Value 'Up' at 'sortOrder' failed to satisfy constraint: Member must satisfy enum value set: [Ascending, Descending]"},
		{"too long a list", "ListModels", m{"MaxResults": 101}, "ValidationException", "Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100"},
		{"a token that is none", "ListModels", m{"NextToken": "!"}, "ValidationException", "Invalid pagination token."},
		{"a status that is none", "ListTrainingJobs", m{"StatusEquals": "InService"}, "ValidationException", "Value 'InService' at 'statusEquals' failed to satisfy constraint: Member must satisfy enum value set: [InProgress, Completed, Failed, Stopping, Stopped, Deleting]"},
		{"a part of a name that no name has", "ListModels", m{"NameContains": "a_b"}, "ValidationException", `Value 'a_b' at 'nameContains' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9\-]+`},
		{"too few tags a page", "ListTags", m{"ResourceArn": arn + "model/fraud", "MaxResults": 10}, "ValidationException", "Value '10' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 50"},
		{"a tag of strange characters", "AddTags", m{"ResourceArn": arn + "model/fraud", "Tags": []m{{"Key": "a;b", "Value": ""}}}, "ValidationException", "at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: "},
		{"a network without subnets", "CreateModel", m{"ModelName": "x", "PrimaryContainer": m{"Image": "i"}, "VpcConfig": m{"SecurityGroupIds": []string{"sg"}}}, "ValidationException", "Value null at 'vpcConfig.subnets' failed to satisfy constraint: Member must not be null"},
		{"a way of input that is none", "CreateTrainingJob", with(job, "AlgorithmSpecification", m{"TrainingImage": "builtin:xgboost", "TrainingInputMode": "Tape"}), "ValidationException", "Value 'Tape' at 'algorithmSpecification.trainingInputMode' failed to satisfy constraint: Member must satisfy enum value set: [Pipe, File, FastFile]"},
		{"a channel without data", "CreateTrainingJob", with(job, "InputDataConfig", []m{{"ChannelName": "train"}}), "ValidationException", "Value null at 'inputDataConfig.1.member.dataSource' failed to satisfy constraint: Member must not be null"},
		{"a wait without spot instances", "CreateTrainingJob", with(job, "StoppingCondition", m{"MaxWaitTimeInSeconds": 60}), "ValidationException", "MaxWaitTimeInSeconds above 0 is not allowed when EnableManagedSpotTraining is false."},
		{"spot instances without a wait", "CreateTrainingJob", with(job, "EnableManagedSpotTraining", true), "ValidationException", "Invalid MaxWaitTimeInSeconds. It must be present"},
		{"a retry too many", "CreateTrainingJob", with(job, "RetryStrategy", m{"MaximumRetryAttempts": 31}), "ValidationException", "Value '31' at 'retryStrategy.maximumRetryAttempts' failed to satisfy constraint: Member must have value less than or equal to 30"},
		{"tags of nothing", "ListTags", m{"ResourceArn": arn + "model/none"}, "ValidationException", "Could not find resource"},
		{"shadow variants", "CreateEndpointConfig", m{"EndpointConfigName": "x", "ProductionVariants": []m{variant}, "ShadowProductionVariants": []m{variant}}, "ValidationException", `Duplicate variant name "v".`},
		{"two shadow variants", "CreateEndpointConfig", m{"EndpointConfigName": "x", "ProductionVariants": []m{variant}, "ShadowProductionVariants": []m{with(variant, "VariantName", "a"), with(variant, "VariantName", "b")}}, "ValidationException", "exactly one production variant and one shadow variant"},
		{"data capture", "CreateEndpointConfig", m{"EndpointConfigName": "x", "ProductionVariants": []m{variant}, "DataCaptureConfig": m{"EnableCapture": true}}, "ValidationException", "DataCaptureConfig.EnableCapture is not built in this emulator yet; leave it out"},
		{"image and containers", "CreateModel", m{"ModelName": "x", "PrimaryContainer": m{"Image": "i"}, "Containers": []m{{"Image": "i"}}}, "ValidationException", "You cannot provide both PrimaryContainer and Containers."},
		{"direct containers without names", "CreateModel", m{"ModelName": "x", "InferenceExecutionConfig": m{"Mode": "Direct"}, "Containers": []m{{"Image": "i"}, {"Image": "j"}}}, "ValidationException", "You must provide a ContainerHostname"},
		{"many models of nowhere", "CreateModel", m{"ModelName": "x", "PrimaryContainer": m{"Image": "i", "Mode": "MultiModel"}}, "ValidationException", "You must provide ModelDataUrl"},
		{"a canary", "UpdateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "fraud", "DeploymentConfig": m{"BlueGreenUpdatePolicy": m{"TrafficRoutingConfiguration": m{"Type": "CANARY", "WaitIntervalInSeconds": 1}}}}, "ValidationException", "You must provide CanarySize"},
		{"an image that cannot train", "CreateTrainingJob", with(job, "AlgorithmSpecification", m{"TrainingImage": "own/image:1", "TrainingInputMode": "File"}), "ValidationException", `Training image "own/image:1" cannot run here`},
		{"a variant that is not there", "UpdateEndpointWeightsAndCapacities", m{"EndpointName": "fraud", "DesiredWeightsAndCapacities": []m{{"VariantName": "none", "DesiredWeight": 1}}}, "ValidationException", `The variant name(s) "none" is/are not present`},
		{"an operation that is not built", "CreatePipeline", m{}, "UnknownOperationException", `The operation "CreatePipeline" is not known`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := b.control(c.operation, c.request)
			if text := fmt.Sprint(got["message"], got["Message"]); got["__type"] != c.kind || !strings.Contains(text, c.says) {
				t.Errorf("answered %v", got)
			}
		})
	}
}

func TestWhatIsUnknownHereIsGivenBack(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.control("CreateModel", m{"ModelName": "new", "PrimaryContainer": m{"Image": "builtin:echo", "NewMember": m{"a": 1}}, "EnableNetworkIsolation": true, "Tags": []m{{"Key": "k", "Value": "v"}}})
	got := b.control("DescribeModel", m{"ModelName": "new"})
	if got["EnableNetworkIsolation"] != true || got["PrimaryContainer"].(m)["NewMember"] == nil || got["Tags"] != nil || got["ModelArn"] != arn+"model/new" {
		t.Errorf("described %v", got)
	}
	tags := b.control("ListTags", m{"ResourceArn": strings.ToLower(arn + "model/new")})["Tags"].([]any)
	if len(tags) != 1 {
		t.Errorf("tags %v", tags)
	}
}

func TestListsAreSortedFilteredAndPaged(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	for i := range 12 {
		b.control("CreateModel", m{"ModelName": fmt.Sprintf("m-%02d", i), "PrimaryContainer": m{"Image": "builtin:echo"}})
	}
	names := func(request m) (all []string) {
		for {
			got := b.control("ListModels", request)
			for _, one := range got["Models"].([]any) {
				all = append(all, one.(m)["ModelName"].(string))
			}
			if got["NextToken"] == nil {
				return all
			}
			request["NextToken"] = got["NextToken"]
		}
	}
	for _, c := range []struct {
		name    string
		request m
		want    int
		first   string
	}{
		{"by default the newest come first, ten a page", m{}, 12, "m-11"},
		{"by name", m{"SortBy": "Name", "SortOrder": "Ascending", "MaxResults": 5}, 12, "m-00"},
		{"part of a name, in any case", m{"NameContains": "M-1"}, 2, "m-11"},
		{"created before anything", m{"CreationTimeBefore": 1}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := names(c.request)
			if len(got) != c.want || c.want > 0 && got[0] != c.first {
				t.Errorf("listed %v", got)
			}
		})
	}
}

func TestPagesGoOnWhenWhatTheyShowedIsDeleted(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	for i := range 12 {
		b.control("CreateModel", m{"ModelName": fmt.Sprintf("m-%02d", i), "PrimaryContainer": m{"Image": "builtin:echo"}})
	}
	for _, by := range []string{"Name", "CreationTime"} {
		request, deleted := m{"MaxResults": 2, "SortBy": by}, 0
		for page := 0; page == 0 || request["NextToken"] != nil; page++ {
			got := b.control("ListModels", request)
			if got["__type"] != nil {
				t.Fatalf("page %d by %s: %v", page, by, got)
			}
			for _, one := range got["Models"].([]any) {
				if page < 3 {
					b.control("DeleteModel", m{"ModelName": one.(m)["ModelName"]})
				}
				deleted++
			}
			request["NextToken"] = got["NextToken"]
		}
		if want := map[string]int{"Name": 12, "CreationTime": 6}[by]; deleted != want {
			t.Errorf("by %s: saw %d models, want %d", by, deleted, want)
		}
	}
}

func TestATrainingJobTellsWhatItDid(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.train("job", "builtin:xgboost", map[string]string{"num_round": "3", "objective": "binary:logistic", "eval_metric": "auc"})
	got := b.control("DescribeTrainingJob", m{"TrainingJobName": "job"})
	var states []string
	for _, one := range got["SecondaryStatusTransitions"].([]any) {
		states = append(states, one.(m)["Status"].(string))
		if one.(m)["EndTime"] == nil {
			t.Errorf("%v has no end", one)
		}
	}
	if want := "Starting Downloading Training Uploading Completed"; strings.Join(states, " ") != want {
		t.Errorf("states %v, want %s", states, want)
	}
	metrics := fmt.Sprint(got["FinalMetricDataList"])
	if !strings.Contains(metrics, "MetricName:train:auc") || got["BillableTimeInSeconds"] != 1.0 {
		t.Errorf("metrics %s, billable %v", metrics, got["BillableTimeInSeconds"])
	}
}

func TestATrainingJobThatCannotSaysWhy(t *testing.T) {
	for _, c := range []struct{ name, data, hyper, reason string }{
		{"no data", "", "3", "ClientError: Data download failed:NoSuchKey (404)"},
		{"data that is not CSV", "1,2\n1,x\n", "3", "ClientError: s3://data/train/part-0.csv: line 2"},
		{"a wrong hyperparameter", "1,2\n0,1\n", "many", "AlgorithmError: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, "instant", t.TempDir())
			b.do("PUT", "/data", "")
			if c.data != "" {
				b.do("PUT", "/data/train/part-0.csv", c.data)
			}
			b.control("CreateTrainingJob", m{
				"TrainingJobName": "bad", "RoleArn": "arn:aws:iam::000000000000:role/r", "HyperParameters": m{"num_round": c.hyper},
				"AlgorithmSpecification": m{"TrainingImage": "builtin:xgboost", "TrainingInputMode": "File"},
				"InputDataConfig":        []m{{"ChannelName": "train", "DataSource": m{"S3DataSource": m{"S3DataType": "S3Prefix", "S3Uri": "s3://data/train/"}}}},
				"OutputDataConfig":       m{"S3OutputPath": "s3://data/models"},
			})
			got := b.control("DescribeTrainingJob", m{"TrainingJobName": "bad"})
			if got["TrainingJobStatus"] != "Failed" || !strings.HasPrefix(fmt.Sprint(got["FailureReason"]), c.reason) {
				t.Errorf("job %v: %v", got["TrainingJobStatus"], got["FailureReason"])
			}
		})
	}
}

func TestATrainingJobCanBeStopped(t *testing.T) {
	b := start(t, "realistic", t.TempDir())
	b.control("CreateTrainingJob", m{"TrainingJobName": "long", "RoleArn": "arn:aws:iam::000000000000:role/r",
		"AlgorithmSpecification": m{"TrainingImage": "builtin:xgboost", "TrainingInputMode": "File"}, "OutputDataConfig": m{"S3OutputPath": "s3://data/models"}})
	b.control("StopTrainingJob", m{"TrainingJobName": "long"})
	b.do("POST", "/_emu/clock/advance", `{"by":"1s"}`)
	for {
		got := b.control("DescribeTrainingJob", m{"TrainingJobName": "long"})
		switch got["TrainingJobStatus"] {
		case "Stopped":
			return
		case "InProgress", "Stopping": // its goroutine wakes when the scheduler lets it
		default:
			t.Fatalf("job %v", got)
		}
	}
}

func TestTheSameTrainingGivesTheSameBytes(t *testing.T) {
	artefact := func() string {
		b := start(t, "instant", t.TempDir())
		b.train("job", "builtin:xgboost", map[string]string{"num_round": "5", "seed": "7"})
		_, body := b.do("GET", "/data/models/job/output/model.tar.gz", "")
		return body
	}
	if one, two := artefact(), artefact(); one != two || one == "" {
		t.Error("two trainings on the same data differ")
	}
}
