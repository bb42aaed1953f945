package control

import (
	"context"
	"encoding/json"

	"betimes/internal/lab/emulator/reply"
)

type endpointConfig struct {
	record
}

func (s *Service) createConfig(_ context.Context, body []byte) (any, error) {
	var r configRequest
	if err := reply.Decode(body, &r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &endpointConfig{s.record("endpoint-config", r.EndpointConfigName, body)}
	if _, exists := s.configs.get(c.Name); exists {
		return nil, reply.Validation("Cannot create already existing endpoint configuration %q.", c.ARN)
	}
	for _, v := range r.all() {
		if _, ok := s.models.get(v.ModelName); !ok {
			return nil, reply.Validation("Could not find model %q.", s.arn("model", v.ModelName))
		}
	}
	if err := s.configs.put(c); err != nil {
		return nil, err
	}
	return map[string]string{"EndpointConfigArn": c.ARN}, s.tag(c.ARN, r.Tags)
}

// The members of a config that hold variants.
const (
	productionVariants = "ProductionVariants"
	shadowVariants     = "ShadowProductionVariants"
)

// variants reads what was checked at create.
func (c *endpointConfig) variants(member string) []variant {
	var v []variant
	_ = json.Unmarshal(c.Request[member], &v)
	return v
}

func (s *Service) config(name string) (*endpointConfig, error) {
	var ck reply.Checks
	if ck.Text("endpointConfigName", name, 63, entityName); ck.Err() != nil {
		return nil, ck.Err()
	}
	c, ok := s.configs.get(name)
	if !ok {
		return nil, reply.Validation("Could not find endpoint configuration %q.", s.arn("endpoint-config", name))
	}
	return c, nil
}

func (s *Service) findConfig(body []byte) (*endpointConfig, error) {
	var r struct{ EndpointConfigName string }
	if err := reply.Decode(body, &r); err != nil {
		return nil, err
	}
	return s.config(r.EndpointConfigName)
}

func (s *Service) describeConfig(_ context.Context, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.findConfig(body)
	if err != nil {
		return nil, err
	}
	return c.Request.without("Tags").with("EndpointConfigArn", c.ARN).with("CreationTime", c.Created), nil
}

func (s *Service) deleteConfig(_ context.Context, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.findConfig(body)
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.forget(c.ARN, s.configs.delete(c.Name))
}

func (s *Service) listConfigs(_ context.Context, body []byte) (any, error) {
	return list(s, body, s.configs, descending, "EndpointConfigs", func(c *endpointConfig) map[string]any {
		return map[string]any{"EndpointConfigName": c.Name, "EndpointConfigArn": c.ARN, "CreationTime": c.Created}
	})
}
