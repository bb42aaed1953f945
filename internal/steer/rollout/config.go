package rollout

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"betimes/internal/flow/feature"
	"betimes/internal/setting"
	"betimes/internal/steer/rollout/quality"
)

// TrainConfig says how a model is trained: by up before its first use, by train
// whenever it is asked.
type TrainConfig struct {
	Algorithm       string             `yaml:"algorithm" doc:"xgboost or linear-learner; may be left out with an image of your own."`
	Image           string             `yaml:"image" doc:"Training and serving image. Default: the built-in algorithm on the emulator, the algorithm's own image in the region on AWS."`
	Data            string             `yaml:"data" doc:"Training data: a CSV file with a header, an NDJSON file, builtin:payments (the example problem's own), or records: topic:NAME, or exactly topic:NAME@0:FROM-TO,1:FROM-TO (offsets by partition; FROM inclusive, TO exclusive)."`
	Label           string             `yaml:"label" doc:"Column of the label; default: the first. For a topic: an expression over the record."`
	Key             string             `yaml:"key" doc:"Column whose rows stay together when rows are held out, for example the card; default: the record's key, of a file the row itself."`
	Hyperparameters map[string]string  `yaml:"hyperparameters" doc:"The algorithm's own settings. Of the built-in ones everything has a default; the objective follows from the labels."`
	Metrics         map[string]string  `yaml:"metrics" doc:"Of an image of your own: name of a metric and the regular expression that finds its value, in brackets, in what the job prints; for example {auc: 'auc=([0-9.]+)'}. Those of the built-in algorithms are known."`
	HeldOut         setting.Ratio      `yaml:"held_out" doc:"train: share of the rows that the job never sees, by which the model is judged. A row is held out by a hash of its key, so the same rows are in every run."`
	Validation      setting.Ratio      `yaml:"validation" doc:"train: share of the rows that the job may look at for early stopping (channel validation)."`
	Threshold       float64            `yaml:"threshold" doc:"Score from which on an answer counts as class 1 in the judgement."`
	InstanceType    string             `yaml:"instance_type" doc:"Instance type of the job; default: that of the endpoint."`
	MaxRuntime      time.Duration      `yaml:"max_runtime" doc:"A job that takes longer is stopped."`
	Spot            bool               `yaml:"spot" doc:"Train on spot instances, with checkpoints in the bucket; waited for as long as max_runtime again."`
	Approve         string             `yaml:"approve" doc:"Who approves a new version: rule (at_least, at_most and behind hold), hand (betimes rollout --to VERSION --approve), or auto: rule on the emulator, hand on AWS."`
	AtLeast         map[string]float64 `yaml:"at_least" doc:"Rule: least values of auc, accuracy, precision, recall and r2 over the rows held out."`
	AtMost          map[string]float64 `yaml:"at_most" doc:"Rule: most values of logloss, calibration, rmse and mae over the rows held out."`
	Behind          float64            `yaml:"behind" doc:"Rule: how much worse than the version in service a new one may be, in AUC, of numbers as a share of the RMSE."`
}

// DefaultTrainConfig holds back a fifth and leaves approval to where it runs.
func DefaultTrainConfig() TrainConfig {
	return TrainConfig{HeldOut: 0.2, Threshold: 0.5, MaxRuntime: time.Hour, Approve: ApproveAuto, Behind: 0.01}
}

// The values of approve.
const (
	ApproveAuto = "auto"
	ApproveRule = "rule"
	ApproveHand = "hand"
)

// ServeConfig says which model of your own the emulator serves. Exactly one is set.
type ServeConfig struct {
	File    string   `yaml:"file" doc:"Model file of a built-in algorithm: model.json, or a model.tar.gz that holds one."`
	Command []string `yaml:"command" doc:"Program that answers GET /ping and POST /invocations on the port in SAGEMAKER_BIND_TO_PORT."`
	Image   string   `yaml:"image" doc:"Image: builtin:xgboost, builtin:linear-learner, builtin:lightgbm, builtin:echo, builtin:profile?p50=8ms, exec:PATH or http://HOST:PORT."`
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
	maxMetrics             = 40
	maxMetricName          = 255
	maxMetricText          = 500
)

// Validate notes what is wrong.
func (c TrainConfig) Validate() setting.Problems {
	var ps setting.Problems
	if c.Algorithm != "" || c.Image == "" {
		ps.OneOf("algorithm", c.Algorithm, xgboost, linearLearner)
	}
	c.validateData(&ps)
	checkImage(&ps, c.Image)
	c.validateShares(&ps)
	c.validateRule(&ps)
	if n := len(c.Hyperparameters); n > maxHyperparameters {
		ps.Add("hyperparameters", "there are %d, SageMaker takes %d; remove some", n, maxHyperparameters)
	}
	for name, value := range c.Hyperparameters {
		if len(name) > maxHyperparameterKey || len(value) > maxHyperparameterValue || name == "" {
			ps.Add("hyperparameters."+name, "a name has 1 to %d bytes and a value at most %d; shorten it", maxHyperparameterKey, maxHyperparameterValue)
		}
	}
	c.validateMetrics(&ps)
	return ps
}

// validateMetrics checks expressions as SageMaker takes them.
func (c TrainConfig) validateMetrics(ps *setting.Problems) {
	if n := len(c.Metrics); n > maxMetrics {
		ps.Add("metrics", "there are %d, SageMaker takes %d; remove some", n, maxMetrics)
	}
	if len(c.Metrics) > 0 && c.Image == "" {
		ps.Add("metrics", "those of %s are known; remove them, or name an image of your own", c.Algorithm)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Metrics)) {
		text := c.Metrics[name]
		regex, err := regexp.Compile(text)
		switch {
		case name == "" || len(name) > maxMetricName || text == "" || len(text) > maxMetricText:
			ps.Add("metrics."+name, "a name has 1 to %d bytes and an expression 1 to %d; change it", maxMetricName, maxMetricText)
		case err != nil:
			ps.Add("metrics."+name, "%q is no regular expression: %s", text, err)
		case regex.NumSubexp() == 0:
			ps.Add("metrics."+name, "%q has no brackets around the value; write for example auc=([0-9.]+)", text)
		}
	}
}

func (c TrainConfig) validateData(ps *setting.Problems) {
	if c.Data == "" {
		ps.Add("data", "it is empty; name a CSV or NDJSON file, builtin:payments or topic:NAME")
	}
	if !isTopic(c.Data) {
		return
	}
	if _, _, err := parseTopic(c.Data); err != nil {
		ps.Add("data", "%s", err)
	}
	if _, err := feature.Compile(c.Label, feature.Text); err != nil {
		ps.Add("label", "over the records of a topic it is an expression, for example fraud: %s", err)
	}
	if c.Key != "" {
		ps.Add("key", "records of a topic stay together by their own key; remove it")
	}
}

func (c TrainConfig) validateShares(ps *setting.Problems) {
	if c.HeldOut < 0 || c.HeldOut > 0.9 {
		ps.Add("held_out", "%s is not between 0%% and 90%%; write for example 20%%", c.HeldOut)
	}
	if c.Validation < 0 || c.HeldOut <= 0.9 && c.HeldOut+c.Validation > 0.9 {
		ps.Add("validation", "%s beside held_out: %s leaves too little to train with; lower one", c.Validation, c.HeldOut)
	}
	if _, early := c.Hyperparameters["early_stopping_rounds"]; early && c.Validation == 0 {
		ps.Add("validation", "hyperparameters.early_stopping_rounds needs rows to look at; write for example 10%%")
	}
	if c.MaxRuntime < time.Second {
		ps.Add("max_runtime", "%s is less than 1s; write for example 1h", c.MaxRuntime)
	}
	if math.IsNaN(c.Threshold) || math.IsInf(c.Threshold, 0) {
		ps.Add("threshold", "%g is no score; write for example 0.5", c.Threshold)
	}
	if c.InstanceType != "" && !strings.HasPrefix(c.InstanceType, "ml.") {
		ps.Add("instance_type", "%q is not an instance type; write for example ml.m5.large", c.InstanceType)
	}
}

func (c TrainConfig) validateRule(ps *setting.Problems) {
	ps.OneOf("approve", c.Approve, ApproveAuto, ApproveRule, ApproveHand)
	for _, bound := range []struct {
		key    string
		values map[string]float64
		known  []string
	}{{"at_least", c.AtLeast, quality.Rising()}, {"at_most", c.AtMost, quality.Falling()}} {
		for _, name := range slices.Sorted(maps.Keys(bound.values)) {
			if !slices.Contains(bound.known, name) {
				ps.Add(bound.key+"."+name, "it is not known; use %s", strings.Join(bound.known, ", "))
			}
		}
	}
	if !(c.Behind >= 0) {
		ps.Add("behind", "%g is less than 0; write for example 0.01", c.Behind)
	}
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
