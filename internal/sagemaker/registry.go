package sagemaker

import (
	"context"
	"time"
)

// What is thought of a version of a model.
const (
	Approved        = "Approved"
	Rejected        = "Rejected"
	PendingApproval = "PendingManualApproval"
)

// Package is one version of a model in the registry.
type Package struct {
	Group        string
	ARN          string
	Version      int
	Created      time.Time
	Description  string
	Image        string
	Data         string // s3://…/model.tar.gz
	InstanceType string
	ContentType  string // of requests and answers
	Quality      string // s3://…/evaluation.json, may be empty
	Commit       string // of the source, may be empty
	Lineage      map[string]string
	Approval     string
	Token        string // the same token registers once
}

type packageContainer struct {
	Image        string
	ModelDataUrl string `json:",omitempty"`
}

type packageSpecification struct {
	Containers                                        []packageContainer
	SupportedRealtimeInferenceInstanceTypes           []string `json:",omitempty"`
	SupportedContentTypes, SupportedResponseMIMETypes []string `json:",omitempty"`
}

type statistics struct{ ContentType, S3Uri string }

type packageMetrics struct {
	ModelQuality struct{ Statistics statistics }
}

// packageBody are the members of a package, in requests and answers.
type packageBody struct {
	ModelPackageGroupName      string                `json:",omitempty"`
	ModelPackageDescription    string                `json:",omitempty"`
	InferenceSpecification     *packageSpecification `json:",omitempty"`
	ModelApprovalStatus        string                `json:",omitempty"`
	ModelMetrics               *packageMetrics       `json:",omitempty"`
	MetadataProperties         map[string]string     `json:",omitempty"`
	CustomerMetadataProperties map[string]string     `json:",omitempty"`
	ClientToken                string                `json:",omitempty"`
}

// CreatePackageGroup makes the row of a model in the registry. IsTaken: it is there.
func (c *Control) CreatePackageGroup(ctx context.Context, name, description string) error {
	return c.call(ctx, "CreateModelPackageGroup", struct{ ModelPackageGroupName, ModelPackageGroupDescription string }{name, description}, nil)
}

// RegisterPackage makes the next version of a group and gives its ARN.
func (c *Control) RegisterPackage(ctx context.Context, p Package) (arn string, err error) {
	types := []string{p.ContentType}
	body := packageBody{
		ModelPackageGroupName: p.Group, ModelPackageDescription: p.Description, ModelApprovalStatus: p.Approval,
		CustomerMetadataProperties: p.Lineage, ClientToken: p.Token,
		InferenceSpecification: &packageSpecification{
			Containers: []packageContainer{{p.Image, p.Data}}, SupportedRealtimeInferenceInstanceTypes: []string{p.InstanceType},
			SupportedContentTypes: types, SupportedResponseMIMETypes: types,
		},
	}
	if p.Quality != "" {
		body.ModelMetrics = &packageMetrics{}
		body.ModelMetrics.ModelQuality.Statistics = statistics{"application/json", p.Quality}
	}
	if p.Commit != "" {
		body.MetadataProperties = map[string]string{"CommitId": p.Commit}
	}
	var out struct{ ModelPackageArn string }
	err = c.call(ctx, "CreateModelPackage", body, &out)
	return out.ModelPackageArn, err
}

// DescribePackage gives a version by its ARN. IsMissing: there is none.
func (c *Control) DescribePackage(ctx context.Context, arn string) (Package, error) {
	var out struct {
		packageBody
		ModelPackageArn     string
		ModelPackageVersion int
		CreationTime        float64 // Unix seconds
	}
	err := c.call(ctx, "DescribeModelPackage", struct{ ModelPackageName string }{arn}, &out)
	p := Package{
		Group: out.ModelPackageGroupName, ARN: out.ModelPackageArn, Version: out.ModelPackageVersion, Created: unix(out.CreationTime),
		Description: out.ModelPackageDescription, Lineage: out.CustomerMetadataProperties, Approval: out.ModelApprovalStatus,
		Commit: out.MetadataProperties["CommitId"],
	}
	if s := out.InferenceSpecification; s != nil && len(s.Containers) > 0 {
		p.Image, p.Data = s.Containers[0].Image, s.Containers[0].ModelDataUrl
	}
	if m := out.ModelMetrics; m != nil {
		p.Quality = m.ModelQuality.Statistics.S3Uri
	}
	return p, err
}

func unix(seconds float64) time.Time {
	return time.UnixMilli(int64(seconds * 1000)).UTC()
}

// ListPackages gives the versions of a group, the newest first: number, ARN,
// time, description and approval. A group that does not exist has none.
func (c *Control) ListPackages(ctx context.Context, group string) ([]Package, error) {
	var all []Package
	for token := ""; ; {
		page, next, err := c.packages(ctx, group, token)
		if IsMissing(err) {
			return nil, nil
		}
		if all = append(all, page...); err != nil || next == "" {
			return all, err
		}
		token = next
	}
}

// packages gives one page of a group, and how to ask for the next.
func (c *Control) packages(ctx context.Context, group, token string) (page []Package, next string, err error) {
	var out struct {
		ModelPackageSummaryList []struct {
			ModelPackageArn, ModelApprovalStatus, ModelPackageDescription string
			ModelPackageVersion                                           int
			CreationTime                                                  float64
		}
		NextToken string
	}
	err = c.call(ctx, "ListModelPackages", struct {
		ModelPackageGroupName, SortBy, SortOrder string
		MaxResults                               int
		NextToken                                string `json:",omitempty"`
	}{group, "CreationTime", "Descending", 100, token}, &out)
	for _, s := range out.ModelPackageSummaryList {
		page = append(page, Package{Group: group, ARN: s.ModelPackageArn, Version: s.ModelPackageVersion, Created: unix(s.CreationTime), Description: s.ModelPackageDescription, Approval: s.ModelApprovalStatus})
	}
	return page, out.NextToken, err
}

// JudgePackage approves or rejects a version, with the reason.
func (c *Control) JudgePackage(ctx context.Context, arn, approval, reason string) error {
	return c.call(ctx, "UpdateModelPackage", struct{ ModelPackageArn, ModelApprovalStatus, ApprovalDescription string }{arn, approval, reason}, nil)
}
