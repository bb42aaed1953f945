package rollout

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"betimes/internal/model"
)

const packageARN = "arn:aws:sagemaker:us-east-1:000000000000:model-package/m/"

// registry are the operations of training, judging and versions.
func (f *fakeAWS) registry(operation string, in map[string]any) (answered bool, status int, out any) {
	text := func(key string) string { s, _ := in[key].(string); return s }
	status, out = 200, map[string]any{}
	switch operation {
	case "StopTrainingJob":
		f.jobs[text("TrainingJobName")].stopped = true
	case "DescribeModel":
		out = f.models[text("ModelName")]
	case "DeleteModel":
		status, out = forget(f.models, "model", text("ModelName"))
	case "DescribeEndpointConfig":
		out = f.configs[text("EndpointConfigName")]
	case "DeleteEndpointConfig":
		status, out = forget(f.configs, "endpoint configuration", text("EndpointConfigName"))
	case "CreateModelPackageGroup":
	case "CreateModelPackage":
		in["ModelPackageVersion"], in["CreationTime"] = len(f.packages)+1, 1.76e9
		in["ModelPackageArn"] = fmt.Sprint(packageARN, len(f.packages)+1)
		f.packages = append(f.packages, in)
		out = in
	case "ListModelPackages":
		listed := slices.Clone(f.packages)
		slices.Reverse(listed)
		out = map[string]any{"ModelPackageSummaryList": listed}
	case "DescribeModelPackage", "UpdateModelPackage":
		status, out = f.onPackage(cmp.Or(text("ModelPackageName"), text("ModelPackageArn")), in)
	default:
		return false, 0, nil
	}
	return true, status, out
}

func (f *fakeAWS) onPackage(arn string, in map[string]any) (int, any) {
	for _, p := range f.packages {
		if p["ModelPackageArn"] == arn {
			for _, member := range []string{"ModelApprovalStatus", "ApprovalDescription"} {
				if in[member] != nil {
					p[member] = in[member]
				}
			}
			return 200, p
		}
	}
	return invalid("ModelPackage %s does not exist.", arn)
}

func forget(all map[string]map[string]any, kind, name string) (int, any) {
	if all[name] == nil {
		return invalid("Could not find %s %q.", kind, name)
	}
	delete(all, name)
	return 200, map[string]any{}
}

// serving are the endpoints that are not about to go.
func (f *fakeAWS) serving() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for name, e := range f.endpoints {
		if !e.deleting {
			all = append(all, name)
		}
	}
	return all
}

// asked answers as a model whose score is that of the fake.
func (f *fakeAWS) asked(endpoint string) (model.Invoker, func(), error) {
	return scorer{f, endpoint}, func() {}, nil
}

type scorer struct {
	aws      *fakeAWS
	endpoint string
}

// Invoke answers in csv, one line per row.
func (s scorer) Invoke(_ context.Context, r *model.Request) (*model.Response, error) {
	s.aws.mu.Lock()
	defer s.aws.mu.Unlock()
	if s.aws.endpoints[s.endpoint] == nil {
		return nil, &model.Error{Class: model.ClassNotFound, Endpoint: s.endpoint}
	}
	resp := &model.Response{ContentType: "text/csv"}
	for _, item := range r.Items {
		p := part{csv: []byte("0," + string(item.Body) + "\n")}
		_, rows := p.values()
		score := s.aws.score(rows[0])
		if score < 0 {
			return nil, &model.Error{Class: model.ClassBadInput, Endpoint: s.endpoint, OriginalStatus: 400, Message: "feature mismatch"}
		}
		resp.Answers = append(resp.Answers, model.Answer{Body: []byte(strings.TrimSpace(fmt.Sprint(score)))})
	}
	return resp, nil
}
