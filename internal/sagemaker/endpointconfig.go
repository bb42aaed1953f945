package sagemaker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// ConfigBody is an endpoint config as AWS keeps it, with every member.
type ConfigBody struct{ members map[string]json.RawMessage }

// DescribeEndpointConfig gives a config whole. IsMissing: there is none.
func (c *Control) DescribeEndpointConfig(ctx context.Context, name string) (ConfigBody, error) {
	var b ConfigBody
	err := c.call(ctx, "DescribeEndpointConfig", struct{ EndpointConfigName string }{name}, &b.members)
	return b, err
}

var errVariants = errors.New("it does not have exactly one production variant: somebody divides its traffic; end that first")

// variant gives the one production variant.
func (b ConfigBody) variant() (map[string]json.RawMessage, error) {
	var all []map[string]json.RawMessage
	if err := json.Unmarshal(b.members["ProductionVariants"], &all); err != nil {
		return nil, fmt.Errorf("ProductionVariants cannot be read: %w", err)
	}
	if len(all) != 1 {
		return nil, errVariants
	}
	return all[0], nil
}

// Model is the name of the model that the config's one variant serves.
func (b ConfigBody) Model() (string, error) {
	v, err := b.variant()
	if err != nil {
		return "", err
	}
	var name string
	err = json.Unmarshal(v["ModelName"], &name)
	return name, err
}

// With is the config with another model, and nothing that AWS adds.
func (b ConfigBody) With(model string) (ConfigBody, error) {
	v, err := b.variant()
	if err != nil {
		return b, err
	}
	if v["ModelName"], err = json.Marshal(model); err != nil {
		return b, err
	}
	next := ConfigBody{map[string]json.RawMessage{}}
	for name, raw := range b.members {
		switch name {
		case "EndpointConfigName", "EndpointConfigArn", "CreationTime", "ShadowProductionVariants":
		default:
			next.members[name] = raw
		}
	}
	next.members["ProductionVariants"], err = json.Marshal([]any{v})
	return next, err
}

// Text is the same for configs that differ in name only.
func (b ConfigBody) Text() string {
	text, _ := json.Marshal(b.members) // of members that were JSON
	var compact bytes.Buffer
	_ = json.Compact(&compact, text)
	return compact.String()
}

// CreateEndpointConfigLike makes a config of what another one holds. IsTaken: it exists.
func (c *Control) CreateEndpointConfigLike(ctx context.Context, name string, b ConfigBody) error {
	in := map[string]any{"EndpointConfigName": name}
	for member, raw := range b.members {
		in[member] = raw
	}
	return c.call(ctx, "CreateEndpointConfig", in, nil)
}

// DeleteEndpointConfig forgets a config.
func (c *Control) DeleteEndpointConfig(ctx context.Context, name string) error {
	return c.call(ctx, "DeleteEndpointConfig", struct{ EndpointConfigName string }{name}, nil)
}
