package control

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"betimes/internal/lab/emulator/reply"
)

// What a person or a pipeline thinks of a package.
const (
	approved = "Approved"
	rejected = "Rejected"
	waiting  = "PendingManualApproval"
)

// registered is a model package: a version of a group, or one by itself. Its
// name in the table is GROUP/VERSION or the name.
type registered struct {
	record
	Group    string `json:"group,omitempty"`
	Version  int    `json:"version,omitempty"`
	Approval string `json:"approval,omitempty"` // of versions only
	Update   fields `json:"update,omitempty"`   // the last one that had a ClientToken
}

type packageRequest struct {
	ModelPackageName, ModelPackageGroupName string
	ModelPackageDescription                 string
	ModelApprovalStatus, ClientToken        string
	SkipModelValidation                     string
	InferenceSpecification                  *inferenceSpecification
	CustomerMetadataProperties              map[string]string
	Tags                                    []tag
}

type inferenceSpecification struct{ Containers []container }

func (r *packageRequest) check() error {
	var c reply.Checks
	c.OptionalText("modelPackageName", r.ModelPackageName, 63, entityName)
	c.OptionalText("modelPackageGroupName", r.ModelPackageGroupName, 170, arnOrName)
	c.OptionalText("modelPackageDescription", r.ModelPackageDescription, 1024, nil)
	c.OptionalEnum("modelApprovalStatus", r.ModelApprovalStatus, approved, rejected, waiting)
	c.OptionalEnum("skipModelValidation", r.SkipModelValidation, "All", "None")
	c.OptionalText("clientToken", r.ClientToken, 36, clientToken)
	checkMetadata(&c, "customerMetadataProperties", r.CustomerMetadataProperties)
	r.InferenceSpecification.check(&c)
	checkTags(&c, "tags", r.Tags)
	if err := c.Err(); err != nil {
		return err
	}
	switch {
	case r.ModelPackageName != "" && r.ModelPackageGroupName != "":
		return reply.Validation("Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine which one to use.")
	case r.ModelPackageName == "" && r.ModelPackageGroupName == "":
		return reply.Validation("Missing ARN.")
	case r.ModelPackageName != "" && r.ModelApprovalStatus != "":
		return reply.Validation("ModelApprovalStatus is for versioned model packages only; give ModelPackageGroupName instead of ModelPackageName.")
	case r.ModelPackageGroupName != "" && len(r.Tags) > 0:
		return reply.Validation("Tags are not supported for versioned model packages; tag the model package group.")
	}
	return nil
}

func (i *inferenceSpecification) check(c *reply.Checks) {
	if i == nil {
		return
	}
	c.Length("inferenceSpecification.containers", len(i.Containers), 1, 15)
	for n := range i.Containers {
		i.Containers[n].check(c, fmt.Sprintf("inferenceSpecification.containers.%d.member.", n+1))
	}
}

func checkMetadata(c *reply.Checks, path string, m map[string]string) {
	c.Length(path, len(m), 0, 50)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		c.Text(path, key, 128, nil)
		c.Text(path+"."+key, m[key], 256, nil)
	}
}

func (s *Service) createPackage(_ context.Context, body []byte) (any, error) {
	var r packageRequest
	if err := reply.Decode(body, &r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if again, err := s.sameToken(r.ClientToken, body); again != nil || err != nil {
		return again, err
	}
	p, err := s.register(&r, body)
	if err != nil {
		return nil, err
	}
	if err := s.packages.put(p); err != nil {
		return nil, err
	}
	return map[string]string{"ModelPackageArn": p.ARN}, s.tag(p.ARN, r.Tags)
}

// register makes the next version of a group, or a package by itself.
func (s *Service) register(r *packageRequest, body []byte) (*registered, error) {
	if r.ModelPackageGroupName == "" {
		p := &registered{record: s.record("model-package", r.ModelPackageName, body)}
		if _, exists := s.packages.get(p.Name); exists {
			return nil, reply.Modelled("ConflictException", "Model Package already exists: %s", p.ARN)
		}
		return p, nil
	}
	g, err := s.group(r.ModelPackageGroupName)
	if err != nil {
		return nil, err
	}
	p := &registered{Group: g.Name, Version: s.lastVersion(g.Name) + 1, Approval: r.ModelApprovalStatus}
	p.record = s.record("model-package", fmt.Sprintf("%s/%d", g.Name, p.Version), body)
	p.Approval = cmp.Or(p.Approval, s.Approval, waiting)
	return p, nil
}

func (s *Service) lastVersion(group string) int {
	last := 0
	for _, p := range s.packages.all {
		if p.Group == group {
			last = max(last, p.Version)
		}
	}
	return last
}

// sameToken finds what an earlier call with the same ClientToken made.
func (s *Service) sameToken(token string, body []byte) (any, error) {
	if token == "" {
		return nil, nil
	}
	var now fields
	_ = json.Unmarshal(body, &now) // was decoded before
	for _, p := range s.packages.all {
		switch {
		case string(p.Request["ClientToken"]) != string(now["ClientToken"]):
		case string(mustMarshal(p.Request)) != string(mustMarshal(now)):
			return nil, reply.Modelled("ConflictException", "The client token %q was used with other parameters.", token)
		default:
			return map[string]string{"ModelPackageArn": p.ARN}, nil
		}
	}
	return nil, nil
}

// modelPackage finds a package by name, GROUP/VERSION or ARN; s.mu is held.
func (s *Service) modelPackage(member, nameOrARN string) (*registered, error) {
	var c reply.Checks
	if c.Text(member, nameOrARN, 176, versionedName); c.Err() != nil {
		return nil, c.Err()
	}
	name := lastPart(nameOrARN, "model-package")
	p, ok := s.packages.get(name)
	if !ok {
		return nil, reply.Validation("ModelPackage %s does not exist.", s.arn("model-package", name))
	}
	return p, nil
}

func (s *Service) findPackage(body []byte) (*registered, error) {
	var r struct{ ModelPackageName string }
	if err := reply.Decode(body, &r); err != nil {
		return nil, err
	}
	return s.modelPackage("modelPackageName", r.ModelPackageName)
}

func (s *Service) describePackage(_ context.Context, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.findPackage(body)
	if err != nil {
		return nil, err
	}
	f := p.Request.without("Tags", "ClientToken").with("ModelPackageArn", p.ARN).with("CreationTime", p.Created).with("LastModifiedTime", p.Modified)
	f.with("ModelPackageName", p.Name).with("ModelPackageStatus", completed)
	f.with("ModelPackageStatusDetails", map[string]any{"ValidationStatuses": []any{}})
	if p.Group != "" {
		f.with("ModelPackageName", p.Group).with("ModelPackageGroupName", p.Group).with("ModelPackageVersion", p.Version).with("ModelApprovalStatus", p.Approval)
	}
	return f, nil
}

func (s *Service) deletePackage(_ context.Context, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.findPackage(body)
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.forget(p.ARN, s.packages.delete(p.Name))
}

// containers of a package, each with its image and model data.
func (p *registered) containers() []fields {
	var spec struct{ Containers []fields }
	_ = json.Unmarshal(p.Request["InferenceSpecification"], &spec) // was decoded at create
	return spec.Containers
}

// deployable says why a package cannot become a model, or nil.
func (p *registered) deployable() error {
	switch {
	case p.Group != "" && p.Approval != approved:
		return reply.Validation("Model package %s is not approved for deployment: its ModelApprovalStatus is %s; set it to Approved with UpdateModelPackage.", p.ARN, p.Approval)
	case len(p.containers()) == 0:
		return reply.Validation("Model package %s has no InferenceSpecification; register it with one to deploy it.", p.ARN)
	}
	return nil
}

// isVersion says whether an ARN names a version of a group: those have no tags.
func isVersion(arn string) bool {
	return strings.Contains(strings.ToLower(arn), ":model-package/") && strings.Count(arn, "/") > 1
}
