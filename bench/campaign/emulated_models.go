package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// described reads whether SageMaker knows a resource, by its Describe operation.
func (u *user) described(operation, member, name string) func(ctx context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		a, err := u.e.json(ctx, toSageMaker+operation, members{member: name})
		switch {
		case err != nil:
			return "", err
		case a.done():
			return "there", nil
		case strings.Contains(string(a.body), "Could not find") || strings.Contains(string(a.body), "Requested resource not found") || strings.Contains(string(a.body), "does not exist"):
			return "", nil
		}
		return "", &unexpected{a.refusal()}
	}
}

const roleARN = "arn:aws:iam::000000000000:role/campaign"

func (u *user) createModel(ctx context.Context) {
	name := u.id("model")
	r := u.keep(&register{what: name, read: u.described("DescribeModel", "ModelName", name)})
	a, err := u.e.json(ctx, toSageMaker+"CreateModel", members{"ModelName": name, "ExecutionRoleArn": roleARN, "PrimaryContainer": members{"Image": "builtin:echo"}})
	r.wrote("there", u.write(ctx, a, err))
	if err == nil && a.done() {
		u.models = append(u.models, r)
	}
}

func (u *user) deleteModel(ctx context.Context) {
	r, ok := one(u, u.models)
	if !ok {
		return
	}
	a, err := u.e.json(ctx, toSageMaker+"DeleteModel", members{"ModelName": r.what})
	r.wrote("", u.write(ctx, a, err))
	u.models = drop(u.models, r)
}

// tagModel gives a model a tag of its own, so that each is written once.
func (u *user) tagModel(ctx context.Context) {
	arn := "arn:aws:sagemaker:us-east-1:000000000000:model/base-" + u.name
	u.serial++
	key, value := fmt.Sprintf("k%d", u.serial%20), fmt.Sprint(u.serial)
	r := u.tags[key]
	if r == nil {
		r = u.keep(&register{what: "tag " + key + " of " + u.name, read: func(ctx context.Context) (string, error) {
			var got struct{ Tags []struct{ Key, Value string } }
			err := u.e.get(ctx, toSageMaker+"ListTags", members{"ResourceArn": arn}, &got)
			for _, t := range got.Tags {
				if t.Key == key {
					return t.Value, err
				}
			}
			return "", err
		}})
		u.tags[key] = r
	}
	a, err := u.e.json(ctx, toSageMaker+"AddTags", members{"ResourceArn": arn, "Tags": []members{{"Key": key, "Value": value}}})
	r.wrote(value, u.write(ctx, a, err))
}

// registerPackage adds a version to the user's group.
func (u *user) registerPackage(ctx context.Context) {
	a, err := u.e.json(ctx, toSageMaker+"CreateModelPackage", members{"ModelPackageGroupName": "group-" + u.name,
		"InferenceSpecification": members{"Containers": []members{{"Image": "builtin:echo"}}, "SupportedContentTypes": []string{"text/csv"}, "SupportedResponseMIMETypes": []string{"text/csv"}}})
	if u.write(ctx, a, err) != sure {
		return // its version is not known
	}
	var made struct{ ModelPackageArn string }
	if err := json.Unmarshal(a.body, &made); err != nil {
		u.problems = append(u.problems, "CreateModelPackage answered "+string(a.body))
		return
	}
	r := u.keep(&register{what: made.ModelPackageArn, read: u.described("DescribeModelPackage", "ModelPackageName", made.ModelPackageArn)})
	r.wrote("there", sure)
}
