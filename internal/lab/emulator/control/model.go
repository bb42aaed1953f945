package control

import (
	"context"
	"encoding/json"
	"strings"

	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/reply"
)

type model struct {
	record
}

// container is the part of a model that is looked at here.
type container struct {
	ContainerHostname string
	Image             string
	ModelDataURL      string `json:"ModelDataUrl"`
	ModelDataSource   *struct {
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
	ModelName                string
	InferenceExecutionConfig *struct{ Mode string }
	PrimaryContainer         *container
	Containers               []container
	ExecutionRoleArn         string
	VpcConfig                *vpc
	Tags                     []tag
}

func (s *Service) createModel(_ context.Context, body []byte) (any, error) {
	var r createModelRequest
	if err := reply.Decode(body, &r); err != nil {
		return nil, err
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
	if err := s.resolve(m, r.all()[0].ModelPackageName); err != nil {
		return nil, err
	}
	if s.Reachable {
		if err := s.reachable(m.request()); err != nil {
			return nil, err
		}
	}
	if err := s.models.put(m); err != nil {
		return nil, err
	}
	return map[string]string{"ModelArn": m.ARN}, s.tag(m.ARN, r.Tags)
}

// reachable refuses a model whose data is not there. What lies below a prefix may come later.
func (s *Service) reachable(r *createModelRequest) error {
	for _, p := range r.all() {
		bucket, key, _ := strings.Cut(strings.TrimPrefix(p.data(), "s3://"), "/")
		if p.data() == "" || p.Mode == multiModel || strings.HasSuffix(key, "/") {
			continue
		}
		if _, there := s.Buckets.Info(bucket, key); !there {
			return reply.Validation("Could not find model data at %s.", p.data())
		}
	}
	return nil
}

// resolve puts images and data of an approved package into a model, so that the
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
	own, parts := m.ownContainer(), p.containers()
	for i := range parts {
		for member, raw := range own { // what the model says goes before
			parts[i][member] = raw
		}
	}
	m.Request = m.Request.without("Containers", "PrimaryContainer")
	if len(parts) == 1 {
		m.Request.with("PrimaryContainer", parts[0])
	} else {
		m.Request.with("Containers", parts)
	}
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

// request is what made m.
func (m *model) request() *createModelRequest {
	r := &createModelRequest{}
	_ = json.Unmarshal(mustMarshal(m.Request), r) // was decoded at create
	return r
}

// run writes into spec what an instance of m runs.
func (m *model) run(spec *fleet.Spec) {
	r := m.request()
	all := r.all()
	if len(all) == 0 {
		return
	}
	p := all[0]
	spec.Hostname, spec.Image, spec.ModelURL, spec.Environment = p.ContainerHostname, p.Image, p.data(), p.Environment
	spec.MultiModel, spec.Direct = p.Mode == multiModel, r.direct()
	for _, p := range all[1:] {
		spec.More = append(spec.More, fleet.Part{Hostname: p.ContainerHostname, Image: p.Image, ModelURL: p.data(), Environment: p.Environment})
	}
}

func (s *Service) findModel(body []byte) (*model, error) {
	var r struct{ ModelName string }
	if err := reply.Decode(body, &r); err != nil {
		return nil, err
	}
	var c reply.Checks
	if c.Text("modelName", r.ModelName, 63, modelName); c.Err() != nil {
		return nil, c.Err()
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
