package config

import (
	"slices"
	"strings"

	"betimes/internal/model"
	"betimes/internal/oip"
	"betimes/internal/rest"
	"betimes/internal/sagemaker"
	"betimes/internal/steer/rollout"
)

// AWSConfig is what all calls to AWS share.
type AWSConfig = sagemaker.AWSConfig

func defaultAWS() AWSConfig { return sagemaker.DefaultAWSConfig() }

// ModelConfig is one model: where it answers, and how it is asked.
type ModelConfig struct {
	SageMaker   *sagemaker.Config    `yaml:"sagemaker" doc:"A SageMaker endpoint. Exactly one of sagemaker, oip and rest."`
	OIP         *oip.Config          `yaml:"oip" doc:"A server of the Open Inference Protocol v2: KServe, Triton, MLServer. Exactly one of sagemaker, oip and rest."`
	REST        *rest.Config         `yaml:"rest" doc:"A plain HTTP model server. Exactly one of sagemaker, oip and rest."`
	Endpoints   []EndpointConfig     `yaml:"endpoints" doc:"Several endpoints of the same model, instead of one: each call goes where it is answered soonest."`
	Pure        bool                 `yaml:"pure" doc:"Same input, same answer, no side effect."`
	Train       *rollout.TrainConfig `yaml:"train" doc:"How the model is trained: before its first use, and by betimes train."`
	Serve       *rollout.ServeConfig `yaml:"serve" doc:"A model of your own that the emulator serves, instead of train."`
	ContentType string               `yaml:"content_type" doc:"Media type of requests; auto is text/csv for the built-in algorithms, else application/json."`
	Accept      string               `yaml:"accept" doc:"Media type of answers that is asked for; default: that of the requests."`
	Batch       string               `yaml:"batch" doc:"How events share calls, where the model answers the same together as alone. auto goes by content_type: lines of csv, libsvm and JSON, records, and JSON with one list of length 1; all else goes alone. instances, lines, csv and recordio are used whatever content_type says: instances sends what flow.feature makes, or the payload as it is, as {\"instances\": […]}, the others a line or record per event. none: every event goes alone."`
	ErrorMember string               `yaml:"error_member" doc:"Member of an answer that holds a text where the model refused this event and no other of the call: {\"predictions\": [{\"error\": \"…\"}]}. The event becomes a dead letter. off: it is part of the prediction."`
	Response    string               `yaml:"response" doc:"Expression over the model's answer that becomes the prediction; default: the answer itself."`
}

// defaultModel is one entry of models before it is read.
func defaultModel() ModelConfig {
	return ModelConfig{ContentType: "auto", Batch: string(model.FormAuto), ErrorMember: "error"}
}

// doors are the keys that say where the model answers.
func (m ModelConfig) doors() []string {
	all := m.alone().doors()
	if m.Endpoints != nil {
		all = append(all, "endpoints")
	}
	return all
}

// RefusedIn is the member of an answer that says that the event was refused; empty:
// none does.
func (m ModelConfig) RefusedIn() string {
	if m.ErrorMember == "off" {
		return ""
	}
	return m.ErrorMember
}

// Form is how events share its calls.
func (m ModelConfig) Form() model.Form { return model.Form(m.Batch) }

// Shares says whether events of the model may share calls.
func (m ModelConfig) Shares() bool {
	return m.Form() != model.FormNone && !slices.ContainsFunc(m.Ways(), EndpointConfig.oneByOne)
}

// Embedded says whether the model is served by the emulator in this process.
func (m ModelConfig) Embedded() bool { return slices.ContainsFunc(m.Ways(), EndpointConfig.embedded) }

// MediaType is content_type with auto found out.
func (m ModelConfig) MediaType() string {
	switch {
	case m.ContentType != "auto":
		return m.ContentType
	case m.Train != nil, m.Serve != nil && builtinAlgorithm(m.Serve):
		return "text/csv"
	}
	return "application/json"
}

// builtinAlgorithm says whether what is served is one of our own algorithms:
// a model file always is.
func builtinAlgorithm(s *rollout.ServeConfig) bool {
	return s.File != "" || strings.HasPrefix(s.Image, "builtin:xgboost") || strings.HasPrefix(s.Image, "builtin:linear-learner")
}
