package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// hosted is an endpoint of a user.
type hosted struct {
	name   string
	async  bool
	there  *register
	target *register // its scalable target: MaxCapacity
}

// The endpoint configs of every user.
const (
	configEcho  = "echo"
	configServe = "serve" // a program that starts another
	configAsync = "async"
)

// prepare makes what endpoints need, once.
func (u *user) prepare(ctx context.Context) error {
	base := "base-" + u.name
	variant := func(model string) []members {
		return []members{{"VariantName": "all", "ModelName": model, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}}
	}
	for _, c := range []struct {
		operation string
		request   members
	}{
		{"CreateModel", members{"ModelName": base, "ExecutionRoleArn": roleARN, "PrimaryContainer": members{"Image": "builtin:echo"}}},
		{"CreateModel", members{"ModelName": base + "-serve", "ExecutionRoleArn": roleARN, "PrimaryContainer": members{"Image": u.images.serve, "Environment": members{partVariable: partModel}}}},
		{"CreateEndpointConfig", members{"EndpointConfigName": u.config(configEcho), "ProductionVariants": variant(base)}},
		{"CreateEndpointConfig", members{"EndpointConfigName": u.config(configServe), "ProductionVariants": variant(base + "-serve")}},
		{"CreateEndpointConfig", members{"EndpointConfigName": u.config(configAsync), "ProductionVariants": variant(base), "AsyncInferenceConfig": members{"OutputConfig": members{"S3OutputPath": "s3://campaign/async"}}}},
		{"CreateModelPackageGroup", members{"ModelPackageGroupName": "group-" + u.name}},
	} {
		if err := u.e.get(ctx, toSageMaker+c.operation, c.request, &members{}); err != nil {
			return err
		}
	}
	return nil
}

func (u *user) config(kind string) string { return kind + "-" + u.name }

// maxHosted is how many endpoints a user has at once: each may be a process.
const maxHosted = 3

func (u *user) createEndpoint(ctx context.Context) {
	if len(u.endpoints) >= maxHosted {
		return
	}
	h := &hosted{name: u.id("endpoint")}
	kind := []string{configEcho, configServe, configAsync}[u.IntN(3)]
	h.async = kind == configAsync
	h.there = u.keep(&register{what: h.name, late: true, read: u.described("DescribeEndpoint", "EndpointName", h.name)})
	h.target = u.keep(&register{what: "scalable target of " + h.name, late: true, read: func(ctx context.Context) (string, error) {
		var got struct{ ScalableTargets []struct{ MaxCapacity int } }
		err := u.e.get(ctx, toScaling+"DescribeScalableTargets", members{"ServiceNamespace": "sagemaker", "ResourceIds": []string{h.resource()}}, &got)
		if err != nil || len(got.ScalableTargets) == 0 {
			return "", err
		}
		return fmt.Sprint(got.ScalableTargets[0].MaxCapacity), nil
	}})
	a, err := u.e.json(ctx, toSageMaker+"CreateEndpoint", members{"EndpointName": h.name, "EndpointConfigName": u.config(kind)})
	h.there.wrote("there", u.write(ctx, a, err))
	u.endpoints = append(u.endpoints, h)
}

func (h *hosted) resource() string { return "endpoint/" + h.name + "/variant/all" }

func (u *user) updateEndpoint(ctx context.Context) {
	h, ok := one(u, u.endpoints)
	if !ok || h.async {
		return
	}
	request := members{"EndpointName": h.name, "EndpointConfigName": u.config([]string{configEcho, configServe}[u.IntN(2)])}
	operation := "UpdateEndpoint"
	switch u.IntN(3) {
	case 0:
		request["DeploymentConfig"] = members{"BlueGreenUpdatePolicy": members{"TrafficRoutingConfiguration": members{"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 60}}}
	case 1:
		operation = "UpdateEndpointWeightsAndCapacities"
		request = members{"EndpointName": h.name, "DesiredWeightsAndCapacities": []members{{"VariantName": "all", "DesiredInstanceCount": 1 + u.IntN(2)}}}
	}
	a, err := u.e.json(ctx, toSageMaker+operation, request)
	u.write(ctx, a, err)
}

// deleteEndpoint takes the scalable target with it.
func (u *user) deleteEndpoint(ctx context.Context) {
	h, ok := one(u, u.endpoints)
	if !ok {
		return
	}
	a, err := u.e.json(ctx, toSageMaker+"DeleteEndpoint", members{"EndpointName": h.name})
	c := u.write(ctx, a, err)
	h.there.wrote("", c)
	h.target.wrote("", c)
	if c != refused {
		u.endpoints = drop(u.endpoints, h)
	}
}

func (u *user) scaleEndpoint(ctx context.Context) {
	h, ok := one(u, u.endpoints)
	if !ok {
		return
	}
	u.serial++
	a, err := u.e.json(ctx, toScaling+"RegisterScalableTarget", members{"ServiceNamespace": "sagemaker", "ResourceId": h.resource(),
		"ScalableDimension": "sagemaker:variant:DesiredInstanceCount", "MinCapacity": 1, "MaxCapacity": 1 + u.serial})
	h.target.wrote(fmt.Sprint(1+u.serial), u.write(ctx, a, err))
}

// invoke asks an endpoint in whatever state: an answer is the model's own, or an error of AWS.
func (u *user) invoke(ctx context.Context) {
	h, ok := one(u, u.endpoints)
	if !ok {
		return
	}
	body := u.id("body")
	a, err := u.e.ask(ctx, http.MethodPost, "/endpoints/"+h.name+"/invocations", []byte(body), "Content-Type", "text/csv")
	switch {
	case err != nil:
		u.awaitLife(ctx)
	case a.status == http.StatusOK && string(a.body) != body:
		u.problems = append(u.problems, fmt.Sprintf("%s answered %q to %q", h.name, a.body, body))
	case a.status != http.StatusOK && a.header.Get("X-Amzn-Errortype") == "":
		u.problems = append(u.problems, fmt.Sprintf("%s answered %s", h.name, a.refusal()))
	default:
		u.tallies["invoked"]++
	}
}

// invokeAsync leaves an object of the answer, unless the endpoint goes before.
func (u *user) invokeAsync(ctx context.Context) {
	h, ok := one(u, u.endpoints)
	if !ok || !h.async {
		return
	}
	body := u.id("async")
	a, err := u.e.ask(ctx, http.MethodPost, "/endpoints/"+h.name+"/async-invocations", []byte(body), "X-Amzn-SageMaker-Content-Type", "text/csv")
	if u.write(ctx, a, err) != sure {
		return
	}
	key := strings.TrimPrefix(a.header.Get("X-Amzn-Sagemaker-Outputlocation"), "s3:/")
	r := u.keep(&register{what: "answer " + key, late: true, read: func(ctx context.Context) (string, error) {
		if h.there.may[0] != "there" || len(h.there.may) > 1 { // its requests went with it
			return body, nil
		}
		a, err := u.e.ask(ctx, http.MethodGet, key, nil)
		if err == nil && a.status == http.StatusNotFound {
			return "", nil
		}
		return string(a.body), err
	}})
	r.wrote(body, sure)
}

// status is how an endpoint or a job stands, as its Describe operation says.
func (u *user) status(ctx context.Context, operation, member, name string) (map[string]any, error) {
	a, err := u.e.json(ctx, toSageMaker+operation, members{member: name})
	var got map[string]any
	if err == nil {
		err = json.Unmarshal(a.body, &got)
	}
	return got, err
}
