package config

import (
	"time"

	"betimes/internal/admin"
	"betimes/internal/flow/admit"
	"betimes/internal/flow/balance"
	"betimes/internal/flow/batch"
	"betimes/internal/flow/feature"
	"betimes/internal/flow/gateway"
	"betimes/internal/flow/stream"
	"betimes/internal/kafka"
	"betimes/internal/lab/emulator"
	"betimes/internal/privacy"
	"betimes/internal/setting"
	"betimes/internal/watch/latency"
	"betimes/internal/watch/trail"
)

// DefaultFile is read when a command names no file.
const DefaultFile = "betimes.yaml"

// Config is one pipeline: the whole file.
type Config struct {
	Extends         string                 `yaml:"extends" doc:"File whose keys are taken first; this file's keys are merged over them, and null removes one. One level."`
	Name            string                 `yaml:"name" doc:"Name of the pipeline: prefix of groups and client ids, metric label. Default: the file's name without .yaml, for betimes.yaml its folder's name."`
	DataDir         string                 `yaml:"data_dir" doc:"Folder of everything kept on disk. Default: .betimes/NAME beside the file."`
	Objective       ObjectiveConfig        `yaml:"objective" doc:"What is promised."`
	Kafka           kafka.Config           `yaml:"kafka" doc:"The cluster and its topics."`
	Models          map[string]ModelConfig `yaml:"models" doc:"The models, by name. Without any, the example problem's: fraud, trained and served inside the process."`
	Flow            FlowConfig             `yaml:"flow" doc:"The way of an event."`
	Watch           WatchConfig            `yaml:"watch" doc:"What is measured and kept."`
	Lab             LabConfig              `yaml:"lab" doc:"What is imitated on this machine."`
	Admin           admin.Config           `yaml:"admin" doc:"Health, metrics, API and page of every role."`
	AWS             AWSConfig              `yaml:"aws" doc:"What all calls to AWS share."`
	Log             LogConfig              `yaml:"log" doc:"The log, on stderr."`
	Privacy         PrivacyConfig          `yaml:"privacy" doc:"What may be seen of an event."`
	Memory          setting.AutoBytes      `yaml:"memory" doc:"Memory that all rooms share, and Go's own limit; auto is what GOMEMLIMIT says, else 90% of the container's limit, else 1GiB."`
	ListenHost      string                 `yaml:"listen_host" doc:"Takes the place of 127.0.0.1 in every listen address; also BETIMES_HOST."`
	DrainDelay      Delay                  `yaml:"drain_delay" doc:"How long a stopping process still answers after it turned unready; auto is 5s beyond loopback, else 0s."`
	ShutdownTimeout time.Duration          `yaml:"shutdown_timeout" doc:"Longest time to finish or hand back what is in flight when stopping."`
}

// ObjectiveConfig is what the pipeline promises.
type ObjectiveConfig struct {
	Latency time.Duration `yaml:"latency" doc:"Time from an event's clock start to its prediction; start plus latency is its deadline."`
	Target  setting.Ratio `yaml:"target" doc:"Share of events that must be in time."`
	Window  time.Duration `yaml:"window" doc:"Span over which the target is judged."`
	From    string        `yaml:"from" doc:"When the clock of an event starts that did not come through the gateway: record (its timestamp), log_append (the broker's), fetch, or a JSON pointer to a time in the event."`
}

// FlowConfig holds the rooms that carry an event, in the order of its journey.
type FlowConfig struct {
	Gateway gateway.Config        `yaml:"gateway" doc:"Takes events in over HTTP."`
	Stream  stream.Config         `yaml:"stream" doc:"Consumes events, in order by key."`
	Feature feature.Config        `yaml:"feature" doc:"Makes an event into a model's request."`
	Admit   admit.Config          `yaml:"admit" doc:"Lets in what can be in time, and says what becomes of the rest."`
	Batch   batch.Config          `yaml:"batch" doc:"Lets events share a call of their model, when it is busy."`
	Balance balance.Config        `yaml:"balance" doc:"Asks the endpoints."`
	Model   string                `yaml:"model" doc:"Name of the model that every event goes to. Default: the only one."`
	Route   []feature.RouteConfig `yaml:"route" doc:"Which events go to which model, instead of model; the first entry that matches wins."`
}

// WatchConfig holds the rooms that know.
type WatchConfig struct {
	Latency latency.Config `yaml:"latency" doc:"Time per stage."`
	Trail   trail.Config   `yaml:"trail" doc:"The index of where every event is."`
}

// LabConfig holds the parts that stand in for production.
type LabConfig struct {
	Emulator *emulator.Config `yaml:"emulator" doc:"SageMaker and its neighbours on this machine. Default when a model is embedded."`
}

// LogConfig is the log.
type LogConfig struct {
	Level  string `yaml:"level" doc:"debug, info, warn or error."`
	Format string `yaml:"format" doc:"auto (text on a terminal, else json), text or json."`
}

// PrivacyConfig says what people may see.
type PrivacyConfig struct {
	Show privacy.Show `yaml:"show" doc:"What logs, page and answers show of an event: none (keys as a hash), keys or payloads. Default: keys on loopback, none beyond."`
}

// Default is the file {} before names and addresses are settled.
func Default() Config {
	return Config{
		Objective: ObjectiveConfig{Latency: 250 * time.Millisecond, Target: 0.99, Window: 30 * day, From: "record"},
		Kafka:     kafka.DefaultConfig(),
		Flow: FlowConfig{
			Gateway: gateway.DefaultConfig(), Stream: stream.DefaultConfig(), Feature: feature.DefaultConfig(), Admit: admit.DefaultConfig(), Batch: batch.DefaultConfig(), Balance: balance.DefaultConfig(),
		},
		Watch:           WatchConfig{Latency: latency.DefaultConfig(), Trail: trail.DefaultConfig()},
		Admin:           admin.DefaultConfig(),
		AWS:             defaultAWS(),
		Log:             LogConfig{Level: "info", Format: "auto"},
		DrainDelay:      AutoDelay,
		ShutdownTimeout: 25 * time.Second,
	}
}
