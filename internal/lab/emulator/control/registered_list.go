package control

import (
	"context"

	"betimes/internal/lab/emulator/reply"
)

type packageQuery struct {
	ModelPackageGroupName, ModelApprovalStatus, ModelPackageType string
}

func (q *packageQuery) check() error {
	var c reply.Checks
	c.OptionalText("modelPackageGroupName", q.ModelPackageGroupName, 170, arnOrName)
	c.OptionalEnum("modelApprovalStatus", q.ModelApprovalStatus, approved, rejected, waiting)
	c.OptionalEnum("modelPackageType", q.ModelPackageType, "Versioned", "Unversioned", "Both")
	return c.Err()
}

// matches lists packages by themselves, unless a group or a type is asked for.
func (q *packageQuery) matches(p *registered) bool {
	kind := q.ModelPackageType
	if kind == "" && q.ModelPackageGroupName == "" {
		kind = "Unversioned"
	}
	return (q.ModelPackageGroupName == "" || p.Group == lastPart(q.ModelPackageGroupName, "model-package-group")) &&
		(q.ModelApprovalStatus == "" || p.Approval == q.ModelApprovalStatus) &&
		(kind != "Versioned" || p.Group != "") && (kind != "Unversioned" || p.Group == "")
}

func (s *Service) listPackages(_ context.Context, body []byte) (any, error) {
	var q packageQuery
	if err := reply.Decode(body, &q); err != nil {
		return nil, err
	}
	if err := q.check(); err != nil {
		return nil, err
	}
	some := &table[*registered]{}
	s.mu.Lock()
	for _, p := range s.packages.byTime {
		if q.matches(p) {
			some.byTime = append(some.byTime, p)
		}
	}
	s.mu.Unlock()
	return list(s, body, some, ascending, "ModelPackageSummaryList", (*registered).summary)
}

func (p *registered) summary() map[string]any {
	m := map[string]any{"ModelPackageArn": p.ARN, "CreationTime": p.Created, "ModelPackageStatus": completed}
	for _, member := range []string{"ModelPackageDescription", "ModelLifeCycle"} {
		if raw, said := p.Request[member]; said {
			m[member] = raw
		}
	}
	if p.Group == "" {
		m["ModelPackageName"] = p.Name
		return m
	}
	m["ModelPackageGroupName"], m["ModelPackageVersion"], m["ModelApprovalStatus"] = p.Group, p.Version, p.Approval
	return m
}
