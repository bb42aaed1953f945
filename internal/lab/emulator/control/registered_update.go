package control

import (
	"context"
	"encoding/json"

	"betimes/internal/lab/emulator/reply"
)

type packageUpdate struct {
	ModelPackageArn                    string
	ModelApprovalStatus                string
	ApprovalDescription                string
	ClientToken                        string
	CustomerMetadataProperties         map[string]string
	CustomerMetadataPropertiesToRemove []string
	InferenceSpecification             *inferenceSpecification
}

func (r *packageUpdate) check() error {
	var c reply.Checks
	c.Text("modelPackageArn", r.ModelPackageArn, 2048, nil)
	c.OptionalEnum("modelApprovalStatus", r.ModelApprovalStatus, approved, rejected, waiting)
	c.OptionalText("approvalDescription", r.ApprovalDescription, 1024, nil)
	c.OptionalText("clientToken", r.ClientToken, 36, clientToken)
	checkMetadata(&c, "customerMetadataProperties", r.CustomerMetadataProperties)
	c.Length("customerMetadataPropertiesToRemove", len(r.CustomerMetadataPropertiesToRemove), 0, 50)
	r.InferenceSpecification.check(&c)
	return c.Err()
}

func (s *Service) updatePackage(_ context.Context, body []byte) (any, error) {
	var r packageUpdate
	var sent fields
	if err := reply.Decode(body, &r); err != nil {
		return nil, err
	}
	if err := reply.Decode(body, &sent); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.modelPackage("modelPackageArn", r.ModelPackageArn)
	if err != nil {
		return nil, err
	}
	answer := map[string]string{"ModelPackageArn": p.ARN}
	if same, err := p.sameUpdate(r.ClientToken, sent); same || err != nil {
		return answer, err
	}
	next, err := p.updated(&r, sent)
	if err != nil {
		return nil, err
	}
	next.Modified = s.now()
	s.noteState("model-package", p.Name, next.Approval, r.ApprovalDescription)
	return answer, s.packages.put(next)
}

// sameUpdate says whether an update with this token was done already.
func (p *registered) sameUpdate(token string, sent fields) (bool, error) {
	if token == "" || string(p.Update["ClientToken"]) != string(sent["ClientToken"]) {
		return false, nil
	}
	if string(mustMarshal(p.Update)) != string(mustMarshal(sent)) {
		return false, reply.Modelled("ConflictException", "The client token %q was used with other parameters.", token)
	}
	return true, nil
}

// updated is p with what was sent put in.
func (p *registered) updated(r *packageUpdate, sent fields) (*registered, error) {
	if r.ModelApprovalStatus != "" && p.Group == "" {
		return nil, reply.Validation("ModelApprovalStatus is for versioned model packages only; %s has no version.", p.ARN)
	}
	next := *p
	next.Request = p.Request.without("CustomerMetadataProperties")
	if r.ModelApprovalStatus != "" {
		next.Approval = r.ModelApprovalStatus
	}
	if r.ClientToken != "" {
		next.Update = sent
	}
	for _, member := range []string{"ApprovalDescription", "InferenceSpecification", "SourceUri", "ModelCard", "ModelLifeCycle", "ModelPackageRegistrationType"} {
		if raw, said := sent[member]; said {
			next.Request[member] = raw
		}
	}
	metadata, err := p.metadata(r)
	if len(metadata) > 0 {
		next.Request.with("CustomerMetadataProperties", metadata)
	}
	next.Request.append("AdditionalInferenceSpecifications", sent["AdditionalInferenceSpecificationsToAdd"])
	return &next, err
}

// metadata is p's own with those of r added, and those to remove left out.
func (p *registered) metadata(r *packageUpdate) (map[string]string, error) {
	all := map[string]string{}
	_ = json.Unmarshal(p.Request["CustomerMetadataProperties"], &all) // was decoded at create
	for key, value := range r.CustomerMetadataProperties {
		all[key] = value
	}
	for _, key := range r.CustomerMetadataPropertiesToRemove {
		delete(all, key)
	}
	var c reply.Checks
	checkMetadata(&c, "customerMetadataProperties", all)
	return all, c.Err()
}
