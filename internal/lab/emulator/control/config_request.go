package control

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"betimes/internal/lab/emulator/reply"
)

// variant is the part of a production variant that is looked at here.
type variant struct {
	VariantName                                 string
	ModelName                                   string
	InitialInstanceCount                        *int
	InstanceType                                string
	InitialVariantWeight                        *float64
	ServerlessConfig                            json.RawMessage
	ModelDataDownloadTimeoutInSeconds           *int
	ContainerStartupHealthCheckTimeoutInSeconds *int
	VolumeSizeInGB                              *int
	ManagedInstanceScaling                      *struct {
		Status                             string
		MinInstanceCount, MaxInstanceCount *int
	}
	RoutingConfig *routingConfig
}

type routingConfig struct {
	RoutingStrategy          string
	PrefixAwareRoutingConfig *struct{ PrefixLength, ConcurrencyThreshold *int }
}

// prefixAware is the strategy that goes by the beginning of the body.
const prefixAware = "PREFIX_AWARE"

func (v *variant) weight() float64 {
	if v.InitialVariantWeight == nil {
		return 1
	}
	return *v.InitialVariantWeight
}

func (v *variant) count() int {
	if v.InitialInstanceCount == nil {
		return 1
	}
	return *v.InitialInstanceCount
}

type configRequest struct {
	EndpointConfigName       string
	ProductionVariants       []variant
	ShadowProductionVariants []variant
	DataCaptureConfig        *struct{ EnableCapture bool }
	AsyncInferenceConfig     *asyncConfig
	ExplainerConfig          json.RawMessage
	VpcConfig                *vpc
	ExecutionRoleArn         string
	MetricsConfig            *struct{ MetricPublishFrequencyInSeconds *int }
	Tags                     []tag
}

func (r *configRequest) check() error {
	var c reply.Checks
	c.Text("endpointConfigName", r.EndpointConfigName, 63, entityName)
	c.Length("productionVariants", len(r.ProductionVariants), 1, 10)
	checkTags(&c, "tags", r.Tags)
	c.OptionalText("executionRoleArn", r.ExecutionRoleArn, 2048, roleARN)
	r.VpcConfig.check(&c, "vpcConfig.")
	r.AsyncInferenceConfig.check(&c, "asyncInferenceConfig.")
	for i := range r.ProductionVariants {
		r.ProductionVariants[i].check(&c, fmt.Sprintf("productionVariants.%d.member.", i+1))
	}
	c.Length("shadowProductionVariants", len(r.ShadowProductionVariants), 0, 10)
	for i := range r.ShadowProductionVariants {
		r.ShadowProductionVariants[i].check(&c, fmt.Sprintf("shadowProductionVariants.%d.member.", i+1))
	}
	if err := c.Err(); err != nil {
		return err
	}
	if n := len(r.ShadowProductionVariants); n > 0 && (n > 1 || len(r.ProductionVariants) > 1) {
		return reply.Validation("An endpoint with shadow variants has exactly one production variant and one shadow variant; there are %d and %d.", len(r.ProductionVariants), n)
	}
	if m := r.MetricsConfig; m != nil && m.MetricPublishFrequencyInSeconds != nil && !slices.Contains(publishFrequencies, *m.MetricPublishFrequencyInSeconds) {
		return reply.Validation("MetricPublishFrequencyInSeconds %d is not one of %v.", *m.MetricPublishFrequencyInSeconds, publishFrequencies)
	}
	seen := map[string]bool{}
	for _, v := range r.all() {
		if seen[v.VariantName] {
			return reply.Validation("Duplicate variant name %q.", v.VariantName)
		}
		seen[v.VariantName] = true
	}
	return r.built()
}

// publishFrequencies are documented only; the shape takes any number.
var publishFrequencies = []int{10, 30, 60, 120, 180, 240, 300}

// built refuses what is not built yet.
func (r *configRequest) built() error {
	switch {
	case r.DataCaptureConfig != nil && r.DataCaptureConfig.EnableCapture:
		return notBuilt("DataCaptureConfig.EnableCapture")
	case r.AsyncInferenceConfig != nil && r.AsyncInferenceConfig.OutputConfig.S3OutputPath == "":
		return notBuilt("AsyncInferenceConfig without OutputConfig.S3OutputPath (a default bucket)")
	case r.ExplainerConfig != nil:
		return notBuilt("ExplainerConfig")
	}
	for _, v := range r.all() {
		if v.ServerlessConfig != nil {
			return notBuilt("ServerlessConfig")
		}
		if v.ModelName == "" {
			return notBuilt("A variant without ModelName (inference components)")
		}
	}
	return nil
}

func (v *variant) check(c *reply.Checks, at string) {
	c.Text(at+"variantName", v.VariantName, 63, entityName)
	c.OptionalText(at+"modelName", v.ModelName, 63, modelName)
	c.Between(at+"initialInstanceCount", v.InitialInstanceCount, 1, 10000)
	c.Between(at+"modelDataDownloadTimeoutInSeconds", v.ModelDataDownloadTimeoutInSeconds, 60, 3600)
	c.Between(at+"containerStartupHealthCheckTimeoutInSeconds", v.ContainerStartupHealthCheckTimeoutInSeconds, 60, 3600)
	c.Between(at+"volumeSizeInGB", v.VolumeSizeInGB, 1, 512)
	if m := v.ManagedInstanceScaling; m != nil {
		c.OptionalEnum(at+"managedInstanceScaling.status", m.Status, "ENABLED", "DISABLED")
		c.Between(at+"managedInstanceScaling.minInstanceCount", m.MinInstanceCount, 0, math.MaxInt32)
		c.Between(at+"managedInstanceScaling.maxInstanceCount", m.MaxInstanceCount, 1, math.MaxInt32)
	}
	if v.InstanceType != "" && !instance.MatchString(v.InstanceType) {
		c.Add(v.InstanceType, at+"instanceType", "Member must satisfy enum value set: [ml.t2.medium, ml.m5.large, ml.c5.large, ml.c5.xlarge, ...]")
	}
	if v.InitialVariantWeight != nil && *v.InitialVariantWeight < 0 {
		c.Add(*v.InitialVariantWeight, at+"initialVariantWeight", "Member must have value greater than or equal to 0")
	}
	if v.RoutingConfig != nil {
		at += "routingConfig."
		c.Enum(at+"routingStrategy", v.RoutingConfig.RoutingStrategy, "LEAST_OUTSTANDING_REQUESTS", "RANDOM", prefixAware, "KV_AWARE")
		p := v.RoutingConfig.PrefixAwareRoutingConfig
		if v.RoutingConfig.RoutingStrategy == prefixAware && (p == nil || p.PrefixLength == nil) {
			c.Missing(at + "prefixAwareRoutingConfig.prefixLength")
		}
		if p != nil {
			c.Between(at+"prefixAwareRoutingConfig.prefixLength", p.PrefixLength, 1024, 65536)
			c.Between(at+"prefixAwareRoutingConfig.concurrencyThreshold", p.ConcurrencyThreshold, 1, 1024)
		}
	}
}

// all are production and shadow variants.
func (r *configRequest) all() []variant {
	return slices.Concat(r.ProductionVariants, r.ShadowProductionVariants)
}
