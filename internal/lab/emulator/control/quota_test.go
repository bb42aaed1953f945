package control_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestQuotasAreOfTypesAndUses(t *testing.T) {
	p := deployed(t, 2)
	p.quotas["ml.c5.large for endpoint usage"] = 5
	p.quotas["ml.c5.large for training job usage"] = 1
	resize := func(count int) m {
		return m{"EndpointName": "fraud", "DesiredWeightsAndCapacities": []m{{"VariantName": "all", "DesiredInstanceCount": count}}}
	}
	job := func(name string, count int) m {
		return m{"TrainingJobName": name, "RoleArn": "arn:aws:iam::000000000000:role/r", "OutputDataConfig": m{"S3OutputPath": "s3://b/p"},
			"AlgorithmSpecification": m{"TrainingImage": "builtin:xgboost", "TrainingInputMode": "File"},
			"ResourceConfig":         m{"InstanceType": "ml.c5.large", "InstanceCount": count, "VolumeSizeInGB": 1}}
	}
	for _, c := range []struct {
		name, operation string
		request         m
		says            string
	}{
		{"more instances than there may be", "UpdateEndpointWeightsAndCapacities", resize(6),
			"The account-level service limit 'ml.c5.large for endpoint usage' is 5 Instances, with current utilization of 2 Instances and a request delta of 4 Instances."},
		{"as many as there may be", "UpdateEndpointWeightsAndCapacities", resize(5), "<nil>"},
		{"a second endpoint", "CreateEndpoint", m{"EndpointName": "more", "EndpointConfigName": "old"}, "current utilization of 5 Instances and a request delta of 2 Instances"},
		{"a new fleet beside the old one", "UpdateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "new"}, "current utilization of 5 Instances and a request delta of 2 Instances"},
		{"a training job of two machines", "CreateTrainingJob", job("two", 2), "'ml.c5.large for training job usage' is 1 Instances, with current utilization of 0 Instances and a request delta of 2 Instances"},
		{"one of one machine", "CreateTrainingJob", job("one", 1), "<nil>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := p.call(c.operation, c.request)
			if !strings.Contains(fmt.Sprint(got["Message"]), c.says) || c.says != "<nil>" && got["__type"] != "ResourceLimitExceeded" || c.says == "<nil>" && got["__type"] != nil {
				t.Errorf("answered %v", got)
			}
		})
		p.advance(2 * time.Minute)
	}
}
