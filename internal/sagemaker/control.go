package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"betimes/internal/model"
)

const (
	controlTimeout     = 30 * time.Second
	controlConnections = 4
	controlType        = "application/x-amz-json-1.1"
)

// Control makes and watches training jobs, models and endpoints. Every method
// is one call; its errors are *ControlError, or *model.Error when no answer came.
type Control struct {
	service *service
	url     *url.URL
}

// Control makes the control plane's client for the place of an endpoint.
func (a *Account) Control(c Config) (*Control, error) {
	s, err := a.service(controlAPI(), c, controlConnections, controlTimeout)
	if err != nil {
		return nil, err
	}
	return &Control{service: s, url: s.at("/")}, nil
}

// Emulated says that calls do not go to AWS: waiting is short and images are built in.
func (c *Control) Emulated() bool { return !isAWS(c.service.base) }

// Region is where jobs run and endpoints are.
func (c *Control) Region() string { return c.service.region }

// Close closes idle connections.
func (c *Control) Close() { c.service.exchange.Close() }

// ControlError is a refusal of the control plane or of S3.
type ControlError struct {
	Operation string // CreateEndpoint, PutObject, …
	Status    int
	Name      string // ValidationException, NoSuchKey, …
	Message   string
}

// Error gives operation, name and message.
func (e *ControlError) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("%s: status %d: %s", e.Operation, e.Status, e.Message)
	}
	return fmt.Sprintf("%s: %s: %s", e.Operation, e.Name, e.Message)
}

// IsMissing says that what was asked for does not exist.
func IsMissing(err error) bool {
	e, ok := errors.AsType[*ControlError](err)
	return ok && (e.Status == http.StatusNotFound || e.Name == "ResourceNotFound" || e.Name == "ResourceNotFoundException" ||
		e.Name == "ValidationException" && (strings.Contains(e.Message, "Could not find") || strings.Contains(e.Message, "not found") || strings.Contains(e.Message, "does not exist")))
}

// IsDenied says that the caller may not do it: credentials or permissions.
func IsDenied(err error) bool {
	if e, ok := errors.AsType[*ControlError](err); ok {
		return e.Status == http.StatusForbidden || isDenial(e.Name)
	}
	return model.ClassOf(err) == model.ClassDenied
}

// IsStranger says that there are no credentials, or that they are nobody's, as
// opposed to somebody's who may not do it.
func IsStranger(err error) bool {
	if e, ok := errors.AsType[*ControlError](err); ok {
		return isStranger(e.Name)
	}
	return errors.Is(err, errNoCredentials)
}

// IsUnreached says that no answer came.
func IsUnreached(err error) bool {
	_, answered := errors.AsType[*ControlError](err)
	class := model.ClassOf(err)
	return !answered && (class == model.ClassConnection || class == model.ClassTimeout)
}

// IsOfRole says that the role of a job or endpoint cannot be taken.
func IsOfRole(err error) bool {
	e, ok := errors.AsType[*ControlError](err)
	if !ok {
		return false
	}
	text := strings.ToLower(e.Message)
	return strings.Contains(text, "passrole") || strings.Contains(text, "pass role") || strings.Contains(text, "assume role") || strings.Contains(text, "rolearn")
}

// IsElsewhere says that a bucket is in another region.
func IsElsewhere(err error) bool {
	e, ok := errors.AsType[*ControlError](err)
	return ok && (e.Status == http.StatusMovedPermanently || e.Name == "AuthorizationHeaderMalformed" || e.Name == "IllegalLocationConstraintException")
}

// IsTaken says that something of that name exists already.
func IsTaken(err error) bool {
	e, ok := errors.AsType[*ControlError](err)
	return ok && (e.Name == "ResourceInUse" || e.Name == "BucketAlreadyOwnedByYou" ||
		e.Name == "ValidationException" && strings.Contains(e.Message, "already exist"))
}

// IsPassing says that the same call may work a little later.
func IsPassing(err error) bool {
	if e, ok := errors.AsType[*ControlError](err); ok {
		return e.Status >= 500 || e.Status == http.StatusTooManyRequests || strings.HasPrefix(e.Name, "Throttl") || e.Name == "SlowDown"
	}
	return IsUnreached(err)
}

// call makes one awsJson1.1 call. in and out are structs of the members that
// are needed; out may be nil.
func (c *Control) call(ctx context.Context, operation string, in, out any) error {
	return c.service.call(ctx, protocol{c.url, controlType, "SageMaker."}, operation, in, out)
}
