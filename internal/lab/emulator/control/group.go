package control

import (
	"context"
	"strings"

	"betimes/internal/lab/emulator/reply"
)

// packageGroup is one row of the model registry: its versions are packages.
type packageGroup struct {
	record
}

type groupRequest struct {
	ModelPackageGroupName        string
	ModelPackageGroupDescription string
	Tags                         []tag
}

func (r *groupRequest) check() error {
	var c reply.Checks
	c.Text("modelPackageGroupName", r.ModelPackageGroupName, 63, entityName)
	c.OptionalText("modelPackageGroupDescription", r.ModelPackageGroupDescription, 1024, nil)
	checkTags(&c, "tags", r.Tags)
	return c.Err()
}

func (s *Service) createGroup(_ context.Context, body []byte) (any, error) {
	var r groupRequest
	if err := reply.Decode(body, &r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &packageGroup{s.record("model-package-group", r.ModelPackageGroupName, body)}
	if _, exists := s.groups.get(g.Name); exists {
		return nil, reply.Validation("Model Package Group already exists: %s", g.ARN)
	}
	if err := s.groups.put(g); err != nil {
		return nil, err
	}
	return map[string]string{"ModelPackageGroupArn": g.ARN}, s.tag(g.ARN, r.Tags)
}

// lastPart is the name in an ARN, or the name itself.
func lastPart(nameOrARN, kind string) string {
	if _, name, isARN := strings.Cut(nameOrARN, ":"+kind+"/"); isARN {
		return name
	}
	return nameOrARN
}

// group finds a group by name or ARN; s.mu is held.
func (s *Service) group(nameOrARN string) (*packageGroup, error) {
	var c reply.Checks
	if c.Text("modelPackageGroupName", nameOrARN, 170, arnOrName); c.Err() != nil {
		return nil, c.Err()
	}
	name := lastPart(nameOrARN, "model-package-group")
	g, ok := s.groups.get(name)
	if !ok {
		return nil, reply.Validation("ModelPackageGroup %s does not exist.", s.arn("model-package-group", name))
	}
	return g, nil
}

func (s *Service) findGroup(body []byte) (*packageGroup, error) {
	var r groupRequest
	if err := reply.Decode(body, &r); err != nil {
		return nil, err
	}
	return s.group(r.ModelPackageGroupName)
}

func (s *Service) describeGroup(_ context.Context, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.findGroup(body)
	if err != nil {
		return nil, err
	}
	f := g.Request.without("Tags").with("ModelPackageGroupName", g.Name).with("ModelPackageGroupArn", g.ARN).with("CreationTime", g.Created)
	return f.with("CreatedBy", struct{}{}).with("ModelPackageGroupStatus", completed), nil
}

func (s *Service) deleteGroup(_ context.Context, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.findGroup(body)
	if err != nil {
		return nil, err
	}
	for _, p := range s.packages.all {
		if p.Group == g.Name {
			return nil, reply.Modelled("ConflictException", "Model Package Group cannot be deleted as it still contains Model Packages")
		}
	}
	return struct{}{}, s.forget(g.ARN, s.groups.delete(g.Name))
}

func (s *Service) listGroups(_ context.Context, body []byte) (any, error) {
	return list(s, body, s.groups, ascending, "ModelPackageGroupSummaryList", func(g *packageGroup) map[string]any {
		m := map[string]any{"ModelPackageGroupName": g.Name, "ModelPackageGroupArn": g.ARN, "CreationTime": g.Created, "ModelPackageGroupStatus": completed}
		if text, said := g.Request["ModelPackageGroupDescription"]; said {
			m["ModelPackageGroupDescription"] = text
		}
		return m
	})
}
