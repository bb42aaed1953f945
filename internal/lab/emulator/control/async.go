package control

import (
	"encoding/json"
	"regexp"
	"slices"

	"betimes/internal/lab/emulator/inference"
	"betimes/internal/lab/emulator/reply"
)

// asyncConfig is AsyncInferenceConfig.
type asyncConfig struct {
	ClientConfig *struct{ MaxConcurrentInvocationsPerInstance *int }
	OutputConfig *struct {
		S3OutputPath, S3FailurePath, KmsKeyId string
		NotificationConfig                    *struct {
			SuccessTopic, ErrorTopic   string
			IncludeInferenceResponseIn []string
		}
	}
}

var (
	asyncPath = regexp.MustCompile(`^(https|s3)://([^/])/?(.*)$`)
	topicARN  = regexp.MustCompile(`^arn:aws[a-z\-]*:sns:[a-z0-9\-]*:[0-9]{12}:[a-zA-Z0-9_.-]+$`)
)

const (
	inSuccess = "SUCCESS_NOTIFICATION_TOPIC"
	inError   = "ERROR_NOTIFICATION_TOPIC"
)

func (a *asyncConfig) check(c *reply.Checks, at string) {
	if a == nil {
		return
	}
	if a.ClientConfig != nil {
		c.Between(at+"clientConfig.maxConcurrentInvocationsPerInstance", a.ClientConfig.MaxConcurrentInvocationsPerInstance, 1, 1000)
	}
	if a.OutputConfig == nil {
		c.Missing(at + "outputConfig")
		return
	}
	at += "outputConfig."
	c.OptionalText(at+"s3OutputPath", a.OutputConfig.S3OutputPath, 512, asyncPath)
	c.OptionalText(at+"s3FailurePath", a.OutputConfig.S3FailurePath, 512, asyncPath)
	if n := a.OutputConfig.NotificationConfig; n != nil {
		at += "notificationConfig."
		c.OptionalText(at+"successTopic", n.SuccessTopic, 2048, topicARN)
		c.OptionalText(at+"errorTopic", n.ErrorTopic, 2048, topicARN)
		c.Length(at+"includeInferenceResponseIn", len(n.IncludeInferenceResponseIn), 0, 2)
		for _, in := range n.IncludeInferenceResponseIn {
			c.OptionalEnum(at+"includeInferenceResponseIn", in, inSuccess, inError)
		}
	}
}

// routedAsync is what the runtime needs of a config that was checked; nil when there is none.
func routedAsync(raw json.RawMessage) *inference.Async {
	var a asyncConfig
	if len(raw) == 0 || json.Unmarshal(raw, &a) != nil || a.OutputConfig == nil {
		return nil
	}
	to := &inference.Async{OutputPath: a.OutputConfig.S3OutputPath, FailurePath: a.OutputConfig.S3FailurePath}
	if a.ClientConfig != nil && a.ClientConfig.MaxConcurrentInvocationsPerInstance != nil {
		to.PerInstance = *a.ClientConfig.MaxConcurrentInvocationsPerInstance
	}
	if n := a.OutputConfig.NotificationConfig; n != nil {
		to.SuccessTopic, to.ErrorTopic = n.SuccessTopic, n.ErrorTopic
		to.InSuccess, to.InError = slices.Contains(n.IncludeInferenceResponseIn, inSuccess), slices.Contains(n.IncludeInferenceResponseIn, inError)
	}
	return to
}
