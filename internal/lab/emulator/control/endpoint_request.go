package control

import (
	"encoding/json"
)

type endpointRequest struct {
	EndpointName               string
	EndpointConfigName         string
	DeploymentConfig           json.RawMessage
	RetainAllVariantProperties bool
	ExcludeRetained            []struct{ VariantPropertyType string } `json:"ExcludeRetainedVariantProperties"`
	RetainDeploymentConfig     bool
	Tags                       []tag
}

func (r *endpointRequest) check() error {
	var c checks
	c.text("endpointName", r.EndpointName, 63, entityName)
	c.text("endpointConfigName", r.EndpointConfigName, 63, entityName)
	c.tags("tags", r.Tags)
	for _, x := range r.ExcludeRetained {
		c.enum("excludeRetainedVariantProperties", x.VariantPropertyType, "DesiredInstanceCount", "DesiredWeight", "DataCaptureConfig")
	}
	if err := c.err(); err != nil {
		return err
	}
	d, err := readDeployment(r.DeploymentConfig)
	if err != nil {
		return err
	}
	return d.check()
}
