package control

import (
	"context"
	"encoding/json"

	"betimes/internal/lab/emulator/reply"
)

type model struct {
	record
}

// container is the part of a model that is looked at here.
type container struct {
	Image           string
	ModelDataURL    string `json:"ModelDataUrl"`
	ModelDataSource *struct {
		S3DataSource struct{ S3URI, S3DataType, CompressionType string }
	}
	Environment      map[string]string
	Mode             string
	ModelPackageName string
}

// data is where the model's artefact is.
func (c *container) data() string {
	if c.ModelDataSource != nil {
		return c.ModelDataSource.S3DataSource.S3URI
	}
	return c.ModelDataURL
}

type createModelRequest struct {
	ModelName        string
	PrimaryContainer *container
	Containers       []container
	ExecutionRoleArn string
	Tags             []tag
}

func (r *createModelRequest) check() error {
	var c checks
	c.text("modelName", r.ModelName, 63, modelName)
	c.optionalText("executionRoleArn", r.ExecutionRoleArn, 2048, roleARN)
	c.tags("tags", r.Tags)
	if r.PrimaryContainer != nil {
		r.PrimaryContainer.check(&c, "primaryContainer.")
	}
	if err := c.err(); err != nil {
		return err
	}
	switch p := r.PrimaryContainer; {
	case len(r.Containers) > 1:
		return notBuilt("A model of several Containers")
	case p == nil:
		return reply.Validation("You must provide either PrimaryContainer or Containers.")
	case p.Mode == "MultiModel":
		return notBuilt("Mode MultiModel")
	case p.ModelPackageName != "" && p.Image != "":
		return reply.Validation("You cannot provide both Image and ModelPackageName in the container definition.")
	case p.Image == "" && p.ModelPackageName == "":
		return reply.Validation("You must provide an Image in the container definition.")
	}
	return nil
}

func (p *container) check(c *checks, at string) {
	c.optionalText(at+"image", p.Image, 255, imageName)
	c.optionalText(at+"modelDataUrl", p.ModelDataURL, 1024, s3URI)
	c.optionalEnum(at+"mode", p.Mode, "SingleModel", "MultiModel")
	c.optionalText(at+"modelPackageName", p.ModelPackageName, 176, versionedName)
	c.environment(at+"environment", p.Environment, 1024, 1024)
}

func (s *Service) createModel(_ context.Context, body []byte) (any, error) {
	var r createModelRequest
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	if len(r.Containers) == 1 && r.PrimaryContainer == nil { // the same thing, written as a list
		r.PrimaryContainer = &r.Containers[0]
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &model{s.record("model", r.ModelName, body)}
	if _, exists := s.models.get(r.ModelName); exists {
		return nil, reply.Validation("Cannot create already existing model %q.", m.ARN)
	}
	if err := s.resolve(m, r.PrimaryContainer.ModelPackageName); err != nil {
		return nil, err
	}
	if err := s.models.put(m); err != nil {
		return nil, err
	}
	return map[string]string{"ModelArn": m.ARN}, s.tag(m.ARN, r.Tags)
}

// resolve puts image and data of an approved package into a model, so that the
// model is whole when the package is gone.
func (s *Service) resolve(m *model, packageName string) error {
	if packageName == "" {
		return nil
	}
	p, err := s.modelPackage("primaryContainer.modelPackageName", packageName)
	if err != nil {
		return err
	}
	if err := p.deployable(); err != nil {
		return err
	}
	parts := p.containers()
	if len(parts) > 1 {
		return notBuilt("A model package of several Containers")
	}
	own := m.ownContainer()
	for member, raw := range parts[0] {
		if _, said := own[member]; !said {
			own[member] = raw
		}
	}
	m.Request = m.Request.without("Containers").with("PrimaryContainer", own)
	return nil
}

// ownContainer is the one container of a request, as it was sent.
func (m *model) ownContainer() fields {
	own, listed := fields{}, []fields{}
	_ = json.Unmarshal(m.Request["PrimaryContainer"], &own) // was decoded at create
	if json.Unmarshal(m.Request["Containers"], &listed) == nil && len(own) == 0 && len(listed) > 0 {
		own = listed[0]
	}
	return own
}

// record is a new resource; body was decoded before, so it is an object.
func (s *Service) record(kind, name string, body []byte) record {
	var f fields
	_ = json.Unmarshal(body, &f)
	now := s.now()
	return record{Name: name, ARN: s.arn(kind, name), Created: now, Modified: now, Request: f}
}

// primary reads the container of a model.
func (m *model) primary() container {
	var r createModelRequest
	_ = json.Unmarshal(m.Request["PrimaryContainer"], &r.PrimaryContainer) // was decoded at create
	_ = json.Unmarshal(m.Request["Containers"], &r.Containers)
	switch {
	case r.PrimaryContainer != nil:
		return *r.PrimaryContainer
	case len(r.Containers) > 0:
		return r.Containers[0]
	}
	return container{}
}

func (s *Service) findModel(body []byte) (*model, error) {
	var r struct{ ModelName string }
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	var c checks
	if c.text("modelName", r.ModelName, 63, modelName); c.err() != nil {
		return nil, c.err()
	}
	m, ok := s.models.get(r.ModelName)
	if !ok {
		return nil, reply.Validation("Could not find model %q.", s.arn("model", r.ModelName))
	}
	return m, nil
}

func (s *Service) describeModel(_ context.Context, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.findModel(body)
	if err != nil {
		return nil, err
	}
	return m.Request.without("Tags").with("ModelArn", m.ARN).with("CreationTime", m.Created), nil
}

func (s *Service) deleteModel(_ context.Context, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.findModel(body)
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.forget(m.ARN, s.models.delete(m.Name))
}

func (s *Service) listModels(_ context.Context, body []byte) (any, error) {
	return list(s, body, s.models, descending, "Models", func(m *model) map[string]any {
		return map[string]any{"ModelName": m.Name, "ModelArn": m.ARN, "CreationTime": m.Created}
	})
}
