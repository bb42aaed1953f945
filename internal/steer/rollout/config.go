package rollout

// TrainConfig says how a model is trained before its first use.
type TrainConfig struct {
	Algorithm       string            `yaml:"algorithm" doc:"xgboost or linear-learner."`
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
