package sagemaker

import (
	"context"
	"slices"
)

// DefaultVariant is the production variant of the endpoints that betimes makes.
const DefaultVariant = "AllTraffic"

// Model is what an endpoint serves: an image with data, or a model package.
type Model struct {
	Name        string
	Package     string // ARN of an approved version; then Image and Data stand there
	Image       string
	Data        string // s3://…/model.tar.gz, may be empty
	Environment map[string]string
	Role        string
}

// CreateModel names an image and its data. IsTaken: it exists.
func (c *Control) CreateModel(ctx context.Context, m Model) error {
	type container struct {
		ModelPackageName string            `json:",omitempty"`
		Image            string            `json:",omitempty"`
		ModelDataUrl     string            `json:",omitempty"`
		Environment      map[string]string `json:",omitempty"`
	}
	return c.call(ctx, "CreateModel", struct {
		ModelName        string
		PrimaryContainer container
		ExecutionRoleArn string
	}{m.Name, container{m.Package, m.Image, m.Data, m.Environment}, m.Role}, nil)
}

// DescribeModel gives the image and data of a model.
func (c *Control) DescribeModel(ctx context.Context, name string) (Model, error) {
	var out struct {
		ModelName        string
		ExecutionRoleArn string
		PrimaryContainer struct {
			ModelPackageName, Image, ModelDataUrl string
			Environment                           map[string]string
		}
	}
	err := c.call(ctx, "DescribeModel", struct{ ModelName string }{name}, &out)
	p := out.PrimaryContainer
	return Model{out.ModelName, p.ModelPackageName, p.Image, p.ModelDataUrl, p.Environment, out.ExecutionRoleArn}, err
}

// DeleteModel forgets a model; its data stays.
func (c *Control) DeleteModel(ctx context.Context, name string) error {
	return c.call(ctx, "DeleteModel", struct{ ModelName string }{name}, nil)
}

// EndpointConfig is one production variant. It cannot be changed once made.
type EndpointConfig struct {
	Name, Model, InstanceType string
	Instances                 int
}

// CreateEndpointConfig makes a config whose variant routes to the instance with
// the fewest calls under way. IsTaken: it exists.
func (c *Control) CreateEndpointConfig(ctx context.Context, e EndpointConfig) error {
	type routing struct{ RoutingStrategy string }
	type variant struct {
		VariantName, ModelName, InstanceType string
		InitialInstanceCount                 int
		RoutingConfig                        routing
	}
	return c.call(ctx, "CreateEndpointConfig", struct {
		EndpointConfigName string
		ProductionVariants []variant
	}{e.Name, []variant{{DefaultVariant, e.Model, e.InstanceType, e.Instances, routing{"LEAST_OUTSTANDING_REQUESTS"}}}}, nil)
}

// EndpointState is what DescribeEndpoint tells.
type EndpointState struct {
	Status  string `json:"EndpointStatus"` // Creating, InService, Updating, Failed, …
	Config  string `json:"EndpointConfigName"`
	Failure string `json:"FailureReason"`
	// Modified is when an update last ended, in seconds of the epoch.
	Modified float64 `json:"LastModifiedTime"`
	Pending  struct {
		Config string `json:"EndpointConfigName"`
	} `json:"PendingDeploymentSummary"`
	Variants []VariantState `json:"ProductionVariants"`
}

// VariantState is what a variant has, and is to have.
type VariantState struct {
	Name    string  `json:"VariantName"`
	Current int     `json:"CurrentInstanceCount"`
	Desired int     `json:"DesiredInstanceCount"`
	Weight  float64 `json:"DesiredWeight"`
}

// Serving says that the endpoint answers, also while it changes.
func (s EndpointState) Serving() bool {
	return slices.Contains([]string{"InService", "Updating", "SystemUpdating", "RollingBack"}, s.Status)
}

// Changing says that the state will pass by itself.
func (s EndpointState) Changing() bool {
	return slices.Contains([]string{"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"}, s.Status)
}

// DescribeEndpoint tells the state of an endpoint. IsMissing: there is none.
func (c *Control) DescribeEndpoint(ctx context.Context, name string) (EndpointState, error) {
	var state EndpointState
	err := c.call(ctx, "DescribeEndpoint", struct{ EndpointName string }{name}, &state)
	return state, err
}

type endpointNames struct{ EndpointName, EndpointConfigName string }

// CreateEndpoint begins to make an endpoint.
func (c *Control) CreateEndpoint(ctx context.Context, name, config string) error {
	return c.call(ctx, "CreateEndpoint", endpointNames{name, config}, nil)
}

// UpdateEndpoint begins to change an endpoint to another config.
func (c *Control) UpdateEndpoint(ctx context.Context, name, config string) error {
	return c.call(ctx, "UpdateEndpoint", endpointNames{name, config}, nil)
}

// ReplaceModel begins to change an endpoint to another config that keeps the
// instances and weights it has been scaled to.
func (c *Control) ReplaceModel(ctx context.Context, name, config string) error {
	return c.call(ctx, "UpdateEndpoint", struct {
		endpointNames
		RetainAllVariantProperties bool
	}{endpointNames{name, config}, true}, nil)
}

// DeleteEndpoint begins to delete an endpoint; a failed one can only be deleted.
func (c *Control) DeleteEndpoint(ctx context.Context, name string) error {
	return c.call(ctx, "DeleteEndpoint", struct{ EndpointName string }{name}, nil)
}
