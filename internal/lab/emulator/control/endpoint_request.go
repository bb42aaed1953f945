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
	return builtDeployment(r.DeploymentConfig)
}

// builtDeployment refuses ways of deploying that are not built yet.
func builtDeployment(raw json.RawMessage) error {
	var d struct {
		BlueGreenUpdatePolicy *struct {
			TrafficRoutingConfiguration struct{ Type string }
		}
		RollingUpdatePolicy       json.RawMessage
		AutoRollbackConfiguration *struct{ Alarms []json.RawMessage }
	}
	if len(raw) == 0 {
		return nil
	}
	if err := decode(raw, &d); err != nil {
		return err
	}
	switch {
	case d.RollingUpdatePolicy != nil:
		return notBuilt("DeploymentConfig.RollingUpdatePolicy")
	case d.BlueGreenUpdatePolicy != nil && d.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.Type != "ALL_AT_ONCE":
		return notBuilt("Traffic routing " + d.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.Type)
	case d.AutoRollbackConfiguration != nil && len(d.AutoRollbackConfiguration.Alarms) > 0:
		return notBuilt("DeploymentConfig.AutoRollbackConfiguration.Alarms")
	}
	return nil
}
