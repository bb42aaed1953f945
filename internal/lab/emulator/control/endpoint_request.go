package control

import (
	"encoding/json"

	"betimes/internal/lab/emulator/reply"
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
	var c reply.Checks
	c.Text("endpointName", r.EndpointName, 63, entityName)
	c.Text("endpointConfigName", r.EndpointConfigName, 63, entityName)
	checkTags(&c, "tags", r.Tags)
	for _, x := range r.ExcludeRetained {
		c.Enum("excludeRetainedVariantProperties", x.VariantPropertyType, "DesiredInstanceCount", "DesiredWeight", "DataCaptureConfig")
	}
	if err := c.Err(); err != nil {
		return err
	}
	d, err := readDeployment(r.DeploymentConfig)
	if err != nil {
		return err
	}
	return d.check()
}
