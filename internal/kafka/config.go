package kafka

import (
	"time"

	"betimes/internal/kafka/registry"
	"betimes/internal/setting"
)

// Config says which cluster to use and how its topics look.
type Config struct {
	Embedded     *EmbeddedConfig `yaml:"embedded" doc:"Brokers inside this process, for one machine; only under up, demo and broker. Default when seeds is absent."`
	Seeds        []string        `yaml:"seeds" doc:"Brokers to begin with, HOST:PORT each."`
	ClientID     string          `yaml:"client_id" doc:"Client id of every connection, before the instance name. Default: the pipeline's name."`
	Rack         string          `yaml:"rack" doc:"Rack of this process, so that fetches go to the nearest replica."`
	TLS          *TLSConfig      `yaml:"tls" doc:"Encrypt connections to the brokers; {} takes the system's certificate authorities."`
	SASL         *SASLConfig     `yaml:"sasl" doc:"Log in to the brokers."`
	CreateTopics *bool           `yaml:"create_topics" doc:"Create missing topics. Default: true with embedded brokers, else false, and missing topics are listed with the command that creates them."`
	Topics       TopicsConfig    `yaml:"topics" doc:"The topics and their shape."`
}

// EmbeddedConfig shapes the brokers inside this process.
type EmbeddedConfig struct {
	Brokers int    `yaml:"brokers" doc:"How many brokers."`
	Listen  string `yaml:"listen" doc:"Address of the first broker; the others take the next ports. With port 0 all take free ports, which a restart finds again."`
}

// TLSConfig holds the files of an encrypted connection.
type TLSConfig struct {
	CA         string `yaml:"ca" doc:"File of the certificate authority; default: the system's."`
	Cert       string `yaml:"cert" doc:"File of the client's certificate, for mutual TLS."`
	Key        string `yaml:"key" doc:"File of the client's key."`
	ServerName string `yaml:"server_name" doc:"Name that the broker's certificate must have; default: the host connected to."`
}

// SASLConfig is a login.
type SASLConfig struct {
	Mechanism string         `yaml:"mechanism" doc:"plain, scram-sha-256, scram-sha-512, oauthbearer or aws-msk-iam (with the AWS credentials of this process). All but scram need tls."`
	Username  string         `yaml:"username" doc:"User name, of plain and scram."`
	Password  setting.Secret `yaml:"password" doc:"Password, of plain and scram; write file:PATH to read it from a file."`
	OAuth     *OAuthConfig   `yaml:"oauth" doc:"Where tokens of oauthbearer come from: token, or token_url with client_id and client_secret."`
}

// OAuthConfig says where the tokens of OAUTHBEARER come from.
type OAuthConfig struct {
	Token        setting.Secret    `yaml:"token" doc:"The token itself; with file:PATH the file is read again at each login, so that whoever writes it may renew it."`
	TokenURL     string            `yaml:"token_url" doc:"Address that gives tokens to client_id and client_secret (grant client_credentials): https, or http on this machine. Redirects are not followed."`
	ClientID     string            `yaml:"client_id" doc:"Client id, for token_url."`
	ClientSecret setting.Secret    `yaml:"client_secret" doc:"Client secret, for token_url; write file:PATH to read it from a file."`
	Scope        string            `yaml:"scope" doc:"Scopes to ask token_url for, with spaces between them."`
	CA           string            `yaml:"ca" doc:"File of the certificate authority of token_url; default: the system's."`
	Extensions   map[string]string `yaml:"extensions" doc:"SASL extensions that some brokers want, name to value."`
}

// TopicsConfig names the topics of one pipeline.
type TopicsConfig struct {
	Events      TopicConfig       `yaml:"events" doc:"Where events come in."`
	Predictions PredictionsConfig `yaml:"predictions" doc:"Where predictions go."`
	DeadLetters TopicConfig       `yaml:"dead-letters" doc:"Events that could not be processed, with their reason."`
	Quarantine  TopicConfig       `yaml:"quarantine" doc:"Events that a rule or schema refused."`
	Shed        TopicConfig       `yaml:"shed" doc:"Events refused because they would be late."`
	Parked      TopicConfig       `yaml:"parked" doc:"Events that wait: one of their key could not be processed (flow.stream.poison: park)."`
}

// TopicConfig is the shape of one topic. Zero values: those of events, or the broker's own.
type TopicConfig struct {
	Name              string           `yaml:"name" doc:"Topic name; default: the key above."`
	Partitions        int              `yaml:"partitions" doc:"Partition count; every topic of the pipeline has that of events."`
	ReplicationFactor int              `yaml:"replication_factor" doc:"Copies of each partition."`
	Value             string           `yaml:"value" doc:"What a record's value is: json, csv, text, bytes, or avro in Confluent's wire format, with registry. Only for events."`
	Columns           []string         `yaml:"columns" doc:"Names of the columns of a csv value, in order. Only for events with value csv."`
	Registry          *registry.Config `yaml:"registry" doc:"The schema registry of an avro value. Only for events with value avro."`
	Retention         time.Duration    `yaml:"retention" doc:"How long records are kept; default 24h embedded, 168h for dead-letters, quarantine, shed and parked, else the broker's own."`
	MaxBytes          setting.Bytes    `yaml:"max_bytes" doc:"How much a topic may keep; default 1GiB embedded, else the broker's own."`
}

// PredictionsConfig is the shape of predictions and of their records.
type PredictionsConfig struct {
	TopicConfig `yaml:",inline"`
	Format      string            `yaml:"format" doc:"envelope (the documented JSON), raw (the model's answer alone) or an expression over the envelope's fields."`
	Include     []string          `yaml:"include" doc:"JSON pointers into the event; what they point at is copied into the envelope's include."`
	Headers     map[string]string `yaml:"headers" doc:"More headers of each prediction, name to expression."`
}

// The values of kafka.topics.events.value.
const (
	ValueJSON  = "json"
	ValueCSV   = "csv"
	ValueText  = "text"
	ValueBytes = "bytes"
	ValueAvro  = "avro"
)

// DefaultConfig is what an empty section means: three embedded brokers are
// taken by config when no seeds are given.
func DefaultConfig() Config {
	return Config{Topics: TopicsConfig{
		Events:      TopicConfig{Name: "events", Partitions: 12, ReplicationFactor: 3, Value: ValueJSON},
		Predictions: PredictionsConfig{TopicConfig: TopicConfig{Name: "predictions"}, Format: "envelope"},
		DeadLetters: TopicConfig{Name: "dead-letters", Retention: 7 * 24 * time.Hour},
		Quarantine:  TopicConfig{Name: "quarantine", Retention: 7 * 24 * time.Hour},
		Shed:        TopicConfig{Name: "shed", Retention: 7 * 24 * time.Hour},
		Parked:      TopicConfig{Name: "parked", Retention: 7 * 24 * time.Hour},
	}}
}

// DefaultEmbedded is embedded: {} written out.
func DefaultEmbedded() EmbeddedConfig {
	return EmbeddedConfig{Brokers: 3, Listen: "127.0.0.1:19092"}
}
