package config

import (
	"time"

	"betimes/internal/lab/emulator"
	"betimes/internal/sagemaker"
	"betimes/internal/steer/rollout"
)

// example is the problem of a file without models: card payments, on embedded brokers only.
func (s settler) example() {
	if s.set("models") || s.Kafka.Embedded == nil {
		return
	}
	const why = "the example problem"
	fraud := defaultModel()
	endpoint := sagemaker.DefaultConfig()
	fraud.SageMaker, fraud.Pure = &endpoint, true
	train := rollout.DefaultTrainConfig()
	train.Algorithm, train.Data, train.Label = "xgboost", "builtin:payments", "fraud"
	train.Hyperparameters = map[string]string{"objective": "binary:logistic", "num_round": "60", "max_depth": "4"}
	fraud.Train = &train
	s.Models = map[string]ModelConfig{"fraud": fraud}
	s.because("models", why)
	if f := &s.Flow.Feature; f.Request == "" && !s.set("flow.feature.fields") {
		f.Fields = []string{"amount", "hour", "country_risk", "merchant_risk"}
		s.because("flow.feature.fields", why)
	}
	g := &s.Flow.Gateway
	for _, p := range []struct {
		key     string
		pointer *string
		value   string
	}{{"key", &g.Key, "/card_token"}, {"id", &g.ID, "/id"}, {"event_time", &g.EventTime, "/event_time"}} {
		if path := "flow.gateway." + p.key; !s.set(path) {
			*p.pointer = p.value
			s.because(path, why)
		}
	}
}

func (s settler) models() {
	for name, m := range s.Models {
		for i, e := range m.Ways() {
			s.way(name, m.way("models."+name, i), e)
		}
		for i := range m.Endpoints {
			s.named(name, &m.Endpoints[i], i)
		}
		if m.Embedded() && s.Lab.Emulator == nil {
			e := emulator.DefaultConfig()
			s.Lab.Emulator = &e
		}
	}
	if s.Flow.Balance.Zone == "" && s.Kafka.Rack != "" {
		s.Flow.Balance.Zone = s.Kafka.Rack
		s.because("flow.balance.zone", "as kafka.rack")
	}
	if s.Flow.Model == "" && len(s.Flow.Route) == 0 && len(s.Models) == 1 {
		for name := range s.Models {
			s.Flow.Model = name
		}
		s.because("flow.model", "the only one")
	}
}

func (s settler) way(name, path string, e EndpointConfig) {
	if e.SageMaker != nil {
		s.endpoint(name, path+".sagemaker.", e.SageMaker)
	}
	if e.OIP != nil && e.OIP.Model == "" {
		e.OIP.Model = name
		s.because(path+".oip.model", "the model's name")
	}
}

func (s settler) endpoint(name, path string, e *sagemaker.Config) {
	if e.Endpoint == "" {
		e.Endpoint = name
		s.because(path+"endpoint", "the model's name")
	}
	if e.Embedded == nil {
		embedded := s.Kafka.Embedded != nil && e.URL == ""
		e.Embedded = &embedded
		s.because(path+"embedded", "as kafka")
	}
	if e.Region == "" {
		e.Region = s.region(*e.Embedded)
		s.because(path+"region", "from aws.region")
	}
	if e.Probe == 0 {
		e.Probe = 10 * time.Second
		if *e.Embedded {
			e.Probe = 500 * time.Millisecond
		}
	}
}

func (s settler) region(embedded bool) string {
	if embedded || s.AWS.Region == "" {
		return "us-east-1"
	}
	return s.AWS.Region
}
