package control

import (
	"fmt"

	"betimes/internal/lab/emulator/reply"
)

func (r *createModelRequest) check() error {
	var c reply.Checks
	c.Text("modelName", r.ModelName, 63, modelName)
	c.OptionalText("executionRoleArn", r.ExecutionRoleArn, 2048, roleARN)
	checkTags(&c, "tags", r.Tags)
	r.VpcConfig.check(&c, "vpcConfig.")
	if r.PrimaryContainer != nil {
		r.PrimaryContainer.check(&c, "primaryContainer.")
	}
	c.Length("containers", len(r.Containers), 0, 15)
	for i := range r.Containers {
		r.Containers[i].check(&c, fmt.Sprintf("containers.%d.member.", i+1))
	}
	if e := r.InferenceExecutionConfig; e != nil {
		c.Enum("inferenceExecutionConfig.mode", e.Mode, "Serial", "Direct")
	}
	if err := c.Err(); err != nil {
		return err
	}
	switch {
	case r.PrimaryContainer != nil && len(r.Containers) > 0:
		return reply.Validation("You cannot provide both PrimaryContainer and Containers.")
	case r.PrimaryContainer == nil && len(r.Containers) == 0:
		return reply.Validation("You must provide either PrimaryContainer or Containers.")
	}
	return r.sound()
}

// sound checks the containers by themselves and together.
func (r *createModelRequest) sound() error {
	hosts := map[string]bool{}
	all := r.all()
	for _, p := range all {
		switch {
		case p.ModelPackageName != "" && p.Image != "":
			return reply.Validation("You cannot provide both Image and ModelPackageName in the container definition.")
		case p.Image == "" && p.ModelPackageName == "":
			return reply.Validation("You must provide an Image in the container definition.")
		case p.Mode == multiModel && p.data() == "":
			return reply.Validation("You must provide ModelDataUrl, a prefix of models, when Mode is MultiModel.")
		case p.Mode == multiModel && len(all) > 1, p.ModelPackageName != "" && len(all) > 1:
			return notBuilt("A multi-model container or a ModelPackageName among several Containers")
		case r.direct() && p.ContainerHostname == "":
			return reply.Validation("You must provide a ContainerHostname for each container when InferenceExecutionConfig Mode is Direct.")
		case p.ContainerHostname != "" && hosts[p.ContainerHostname]:
			return reply.Validation("Duplicate ContainerHostname %q.", p.ContainerHostname)
		}
		hosts[p.ContainerHostname] = true
	}
	return nil
}

const multiModel = "MultiModel"

// all are the containers, however they were written.
func (r *createModelRequest) all() []container {
	if r.PrimaryContainer != nil {
		return []container{*r.PrimaryContainer}
	}
	return r.Containers
}

func (r *createModelRequest) direct() bool {
	return r.InferenceExecutionConfig != nil && r.InferenceExecutionConfig.Mode == "Direct"
}

type vpc struct{ SecurityGroupIds, Subnets []string }

func (v *vpc) check(c *reply.Checks, at string) {
	if v != nil {
		c.Length(at+"securityGroupIds", len(v.SecurityGroupIds), 1, 5)
		c.Length(at+"subnets", len(v.Subnets), 1, 16)
	}
}

func (p *container) check(c *reply.Checks, at string) {
	c.OptionalText(at+"image", p.Image, 255, imageName)
	c.OptionalText(at+"modelDataUrl", p.ModelDataURL, 1024, s3URI)
	if p.ModelDataSource != nil {
		s3 := &p.ModelDataSource.S3DataSource
		c.Text(at+"modelDataSource.s3DataSource.s3Uri", s3.S3URI, 1024, s3URI)
		c.Enum(at+"modelDataSource.s3DataSource.s3DataType", s3.S3DataType, "S3Prefix", "S3Object")
		c.Enum(at+"modelDataSource.s3DataSource.compressionType", s3.CompressionType, "None", "Gzip")
	}
	c.OptionalText(at+"containerHostname", p.ContainerHostname, 63, entityName)
	c.OptionalEnum(at+"mode", p.Mode, "SingleModel", "MultiModel")
	c.OptionalText(at+"modelPackageName", p.ModelPackageName, 176, versionedName)
	checkEnvironment(c, at+"environment", p.Environment, 1024, 1024)
}
