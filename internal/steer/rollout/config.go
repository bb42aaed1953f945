package rollout

import (
	"strings"

	"betimes/internal/setting"
)

// TrainConfig says how a model is trained before its first use.
type TrainConfig struct {
	Algorithm       string            `yaml:"algorithm" doc:"xgboost or linear-learner."`
	Image           string            `yaml:"image" doc:"Training and serving image in a registry, needed on AWS: the algorithm's own in your region. Default on the emulator: the built-in one."`
	Data            string            `yaml:"data" doc:"Training file: CSV with a header, or NDJSON. builtin:payments is the example problem's own."`
	Label           string            `yaml:"label" doc:"Column of the label; default: the first."`
	Hyperparameters map[string]string `yaml:"hyperparameters" doc:"The algorithm's own settings."`
}

// ServeConfig says which model of your own the emulator serves. Exactly one is set.
type ServeConfig struct {
	File    string   `yaml:"file" doc:"Model file of a built-in algorithm: model.json, or a model.tar.gz that holds one."`
	Command []string `yaml:"command" doc:"Program that answers GET /ping and POST /invocations on the port in SAGEMAKER_BIND_TO_PORT."`
	Image   string   `yaml:"image" doc:"Image: builtin:xgboost, builtin:linear-learner, builtin:echo, builtin:profile?p50=8ms, exec:PATH or http://HOST:PORT."`
}

// The built-in algorithms.
const (
	xgboost       = "xgboost"
	linearLearner = "linear-learner"
)

const (
	maxHyperparameters     = 100
	maxHyperparameterKey   = 256
	maxHyperparameterValue = 2500
	maxImage               = 255
)

// Validate notes what is wrong.
func (c TrainConfig) Validate() setting.Problems {
	var ps setting.Problems
	ps.OneOf("algorithm", c.Algorithm, xgboost, linearLearner)
	if c.Data == "" {
		ps.Add("data", "it is empty; name a CSV or NDJSON file, or builtin:payments")
	}
	checkImage(&ps, c.Image)
	if n := len(c.Hyperparameters); n > maxHyperparameters {
		ps.Add("hyperparameters", "there are %d, SageMaker takes %d; remove some", n, maxHyperparameters)
	}
	for name, value := range c.Hyperparameters {
		if len(name) > maxHyperparameterKey || len(value) > maxHyperparameterValue || name == "" {
			ps.Add("hyperparameters."+name, "a name has 1 to %d bytes and a value at most %d; shorten it", maxHyperparameterKey, maxHyperparameterValue)
		}
	}
	return ps
}

// Validate notes what is wrong.
func (c ServeConfig) Validate() setting.Problems {
	var ps setting.Problems
	var set []string
	for _, key := range []struct {
		name string
		set  bool
	}{{"file", c.File != ""}, {"command", len(c.Command) > 0}, {"image", c.Image != ""}} {
		if key.set {
			set = append(set, key.name)
		}
	}
	switch len(set) {
	case 0:
		ps.Add("file", "nothing is named; write exactly one of file, command and image")
	case 1:
	default:
		ps.Add(set[1], "%s are both set; remove one", strings.Join(set, " and "))
	}
	if len(c.Command) > 0 && c.Command[0] == "" {
		ps.Add("command", "the program is empty; write for example [python3, serve.py]")
	}
	checkImage(&ps, c.Image)
	return ps
}

func checkImage(ps *setting.Problems, image string) {
	if len(image) > maxImage || strings.ContainsAny(image, " \t\r\n") {
		ps.Add("image", "%q is no image: at most %d bytes without blanks", image, maxImage)
	}
}
