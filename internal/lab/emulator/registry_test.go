package emulator_test

import (
	"fmt"
	"strings"
	"testing"
)

// register makes a version and gives its ARN.
func (b *box) register(group string, more m) string {
	b.t.Helper()
	request := m{"ModelPackageGroupName": group, "InferenceSpecification": m{"Containers": []m{{"Image": "builtin:echo", "Environment": m{"SAGEMAKER_MODEL_SERVER_WORKERS": "2"}}}}}
	for member, v := range more {
		request[member] = v
	}
	got := b.control("CreateModelPackage", request)
	name, ok := got["ModelPackageArn"].(string)
	if !ok {
		b.t.Fatalf("package: %v", got)
	}
	return name
}

func TestAVersionIsServedOnlyAfterItsApproval(t *testing.T) {
	dir := t.TempDir()
	b := start(t, "instant", dir)
	b.control("CreateModelPackageGroup", m{"ModelPackageGroupName": "fraud"})
	one := b.register("fraud", m{"CustomerMetadataProperties": m{"cut": "7", "old": "x"}})
	if two := b.register(arn+"model-package-group/fraud", nil); one != arn+"model-package/fraud/1" || two != arn+"model-package/fraud/2" {
		t.Errorf("versions %s and %s", one, two)
	}
	model := m{"ModelName": "fraud", "PrimaryContainer": m{"ModelPackageName": one}}
	if got := b.control("CreateModel", model); got["__type"] != "ValidationException" || !strings.Contains(fmt.Sprint(got["message"]), "ModelApprovalStatus is PendingManualApproval") {
		t.Errorf("unapproved: %v", got)
	}
	b.control("UpdateModelPackage", m{"ModelPackageArn": one, "ModelApprovalStatus": "Approved", "ApprovalDescription": "auc 0.9",
		"CustomerMetadataProperties": m{"by": "gate"}, "CustomerMetadataPropertiesToRemove": []string{"old"}})
	b = start(t, "instant", dir) // and it is kept
	got := b.control("DescribeModelPackage", m{"ModelPackageName": one})
	if got["ModelApprovalStatus"] != "Approved" || got["ModelPackageVersion"] != 1.0 || fmt.Sprint(got["CustomerMetadataProperties"]) != "map[by:gate cut:7]" || got["ApprovalDescription"] != "auc 0.9" {
		t.Errorf("described %v", got)
	}
	if got := b.control("CreateModel", model); got["ModelArn"] == nil {
		t.Fatalf("model: %v", got)
	}
	if got := b.control("DescribeModel", m{"ModelName": "fraud"})["PrimaryContainer"].(m); got["Image"] != "builtin:echo" || got["ModelPackageName"] != one {
		t.Errorf("model has container %v", got)
	}
	b.control("CreateEndpointConfig", m{"EndpointConfigName": "fraud", "ProductionVariants": []m{{"VariantName": "v", "ModelName": "fraud", "InitialInstanceCount": 1, "InstanceType": "ml.c5.large"}}})
	b.control("CreateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "fraud"})
	b.control("DescribeEndpoint", m{"EndpointName": "fraud"})
	if resp, body := b.do("POST", "/endpoints/fraud/invocations", "x"); resp.StatusCode != 200 || body != "x" {
		t.Errorf("answered %d %s", resp.StatusCode, body)
	}
}

func TestTheRegistryRefusesInTheWordsOfAWS(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.control("CreateModelPackageGroup", m{"ModelPackageGroupName": "fraud"})
	b.register("fraud", m{"ClientToken": "one"})
	for _, c := range []struct {
		name, operation string
		request         m
		kind, says      string
	}{
		{"a second group of that name", "CreateModelPackageGroup", m{"ModelPackageGroupName": "fraud"}, "ValidationException", "Model Package Group already exists: " + arn + "model-package-group/fraud"},
		{"a group that is missing", "DescribeModelPackageGroup", m{"ModelPackageGroupName": "none"}, "ValidationException", "ModelPackageGroup " + arn + "model-package-group/none does not exist."},
		{"a group with versions", "DeleteModelPackageGroup", m{"ModelPackageGroupName": "fraud"}, "ConflictException", "still contains Model Packages"},
		{"a version of a missing group", "CreateModelPackage", m{"ModelPackageGroupName": "none"}, "ValidationException", "does not exist."},
		{"a version that is missing", "DescribeModelPackage", m{"ModelPackageName": arn + "model-package/fraud/9"}, "ValidationException", "ModelPackage " + arn + "model-package/fraud/9 does not exist."},
		{"neither name nor group", "CreateModelPackage", m{}, "ValidationException", "Missing ARN."},
		{"name and group", "CreateModelPackage", m{"ModelPackageName": "a", "ModelPackageGroupName": "fraud"}, "ValidationException", "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine which one to use."},
		{"an approval that is none", "UpdateModelPackage", m{"ModelPackageArn": arn + "model-package/fraud/1", "ModelApprovalStatus": "Maybe"}, "ValidationException", "Member must satisfy enum value set: [Approved, Rejected, PendingManualApproval]"},
		{"a token that was used for another package", "CreateModelPackage", m{"ModelPackageGroupName": "fraud", "ClientToken": "one"}, "ConflictException", `The client token "one" was used with other parameters.`},
		{"tags of a version", "CreateModelPackage", m{"ModelPackageGroupName": "fraud", "Tags": []m{{"Key": "k", "Value": "v"}}}, "ValidationException", "Tags are not supported for versioned model packages"},
		{"a package without containers", "CreateModelPackage", m{"ModelPackageName": "p", "InferenceSpecification": m{}}, "ValidationException", "Value null at 'inferenceSpecification.containers' failed to satisfy constraint: Member must not be null"},
		{"a model of a missing package", "CreateModel", m{"ModelName": "x", "PrimaryContainer": m{"ModelPackageName": "none"}}, "ValidationException", "ModelPackage " + arn + "model-package/none does not exist."},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := b.control(c.operation, c.request)
			if text := fmt.Sprint(got["message"], got["Message"]); got["__type"] != c.kind || !strings.Contains(text, c.says) {
				t.Errorf("answered %v", got)
			}
		})
	}
}

func TestPackagesAreListedByGroupApprovalAndType(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	for _, g := range []string{"a", "b"} {
		b.control("CreateModelPackageGroup", m{"ModelPackageGroupName": g, "ModelPackageGroupDescription": "of " + g})
		b.register(g, nil)
		b.register(g, m{"ModelApprovalStatus": "Approved"})
	}
	b.control("CreateModelPackage", m{"ModelPackageName": "alone"})
	for _, c := range []struct {
		name    string
		request m
		want    int
	}{
		{"by default those without a version", m{}, 1},
		{"of a group", m{"ModelPackageGroupName": "a"}, 2},
		{"approved ones of a group", m{"ModelPackageGroupName": arn + "model-package-group/a", "ModelApprovalStatus": "Approved"}, 1},
		{"all versions", m{"ModelPackageType": "Versioned"}, 4},
		{"everything", m{"ModelPackageType": "Both"}, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := b.control("ListModelPackages", c.request)["ModelPackageSummaryList"].([]any); len(got) != c.want {
				t.Errorf("listed %v", got)
			}
		})
	}
	if got := b.control("ListModelPackageGroups", m{})["ModelPackageGroupSummaryList"].([]any); len(got) != 2 || got[0].(m)["ModelPackageGroupDescription"] != "of a" {
		t.Errorf("groups %v", got)
	}
	b.control("DeleteModelPackage", m{"ModelPackageName": arn + "model-package/a/1"})
	b.control("DeleteModelPackage", m{"ModelPackageName": arn + "model-package/a/2"})
	if got := b.control("DeleteModelPackageGroup", m{"ModelPackageGroupName": "a"}); len(got) != 0 {
		t.Errorf("delete: %v", got)
	}
}

func TestPackagesAreListedByGroupAndKind(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	for _, group := range []string{"fraud", "other"} {
		b.control("CreateModelPackageGroup", m{"ModelPackageGroupName": group})
		b.register(group, nil)
	}
	b.register("fraud", nil)
	b.control("CreateModelPackage", m{"ModelPackageName": "alone", "InferenceSpecification": m{"Containers": []m{{"Image": "builtin:echo"}}}})
	for _, c := range []struct {
		query m
		want  int
	}{
		{m{}, 1}, {m{"ModelPackageType": "Versioned"}, 3}, {m{"ModelPackageType": "Both"}, 4},
		{m{"ModelPackageGroupName": "fraud"}, 2}, {m{"ModelPackageGroupName": "fraud", "ModelApprovalStatus": "Approved"}, 0},
	} {
		if got, _ := b.control("ListModelPackages", c.query)["ModelPackageSummaryList"].([]any); len(got) != c.want {
			t.Errorf("%v gave %v, want %d", c.query, got, c.want)
		}
	}
}
