package config

import "slices"

// Roles run one part of a file in production, where nothing is embedded.
func Roles() []string { return []string{"gateway", "stream", "mirror", "watch", "steer"} }

// ForRole says what keeps the file from running as that role: parts inside the
// process are for one machine, and what runs alone must be in it. The error is an
// *Error, or nil.
func (l *Loaded) ForRole(role string) error {
	found := list{}
	switch {
	case role == "broker" && l.Config.Kafka.Embedded == nil:
		found.add(l.origin.nearest("kafka.seeds"), "kafka.embedded", "the file has no brokers of its own to run; write kafka: {embedded: {brokers: 3}} in place of seeds")
	case role == "emulate" && l.Config.Lab.Emulator == nil:
		found.add(l.origin.nearest("models"), "lab.emulator", "the file has no SageMaker to run here; write lab: {emulator: {}}, or embedded: true below a model's sagemaker")
	}
	if !slices.Contains(Roles(), role) {
		return found.err(l.File, l.Files)
	}
	for _, f := range embedded(l.Config) {
		found.add(l.origin.nearest(f.Path), f.Path, "role %s does not run with it: %s", role, f.Text)
	}
	return found.err(l.File, l.Files)
}

// Finding is a value that is fine on a laptop and unsafe outside.
type Finding struct {
	Path string `json:"path"`
	Text string `json:"text"` // why, and what to set
}

// embedded lists the parts that live inside the process.
func embedded(c Config) []Finding {
	var all []Finding
	if c.Kafka.Embedded != nil {
		all = append(all, Finding{"kafka.embedded", "brokers inside the process run only under up, demo and broker, without replication between machines; set kafka.seeds: [HOST:9092] in its place"})
	}
	for _, name := range modelNames(c) {
		if c.Models[name].alone().embedded() {
			all = append(all, Finding{"models." + name + ".sagemaker.embedded", "the emulator runs only under up, demo and emulate; set it to false, and url or aws.endpoint_url unless it is AWS itself"})
		}
	}
	return all
}

// Production lists every value that is unsafe outside a laptop.
func Production(c Config) []Finding {
	all := embedded(c)
	add := func(path, text string) { all = append(all, Finding{path, text}) }
	k := c.Kafka
	if k.Embedded == nil && k.TLS == nil {
		add("kafka.tls", "events and passwords cross the network readable; set tls: {}, or name the authority in tls.ca")
	}
	if k.Embedded == nil && k.SASL == nil && (k.TLS == nil || k.TLS.Cert == "") {
		add("kafka.sasl", "the brokers ask for no login; set sasl, or tls.cert and tls.key")
	}
	for key, topic := range topicsByKey(&k.Topics) {
		if topic.ReplicationFactor < 3 {
			add("kafka.topics."+key+".replication_factor", "fewer than 3 copies: one broker lost while another restarts loses events; set 3")
		}
	}
	all = append(all, doors(c)...)
	if trainsOnAWS(c) && c.AWS.Role == defaultAWS().Role {
		add("aws.role", "it is a placeholder; set the ARN of a role that may train and serve")
	}
	if c.Memory == 0 {
		add("memory", "it follows the container's limit, and is 1GiB without one; set it, or give the container a limit")
	}
	if c.Privacy.Show == "payloads" {
		add("privacy.show", "payloads are shown to whoever reads page and log; set keys or none")
	}
	if c.Log.Level == "debug" {
		add("log.level", "a line per event costs time; set info")
	}
	return all
}

// trainsOnAWS says whether a model would be trained by AWS itself.
func trainsOnAWS(c Config) bool {
	for _, m := range c.Models {
		if m.SageMaker != nil && !m.Embedded() && m.Train != nil {
			return true
		}
	}
	return false
}

// doors are the listeners and model servers that strangers may reach.
func doors(c Config) []Finding {
	var all []Finding
	add := func(path, text string) { all = append(all, Finding{path, text}) }
	if g := c.Flow.Gateway; g.Auth != "external" {
		if len(g.Tokens) == 0 {
			add("flow.gateway.tokens", "whoever reaches the gateway may send events; add tokens, or auth: external when a proxy asks")
		}
		if g.TLS == nil {
			add("flow.gateway.tls", "events and tokens cross the network readable; set cert and key, or auth: external when a proxy does it")
		}
	}
	if len(c.Admin.Tokens) == 0 {
		add("admin.tokens", "whoever reaches the admin listener is admin; add tokens")
	}
	if c.Admin.TLS == nil {
		add("admin.tls", "tokens cross the network readable; set cert and key")
	}
	if c.Admin.MetricsToken.IsZero() {
		add("admin.metrics_token", "metrics are open to whoever reaches the admin listener; set it, or keep the listener inside the cluster")
	}
	for _, name := range modelNames(c) {
		for i, e := range c.Models[name].Ways() {
			path := c.Models[name].way("models."+name, i)
			if e.REST != nil && plainURL(e.REST.URL) {
				add(path+".rest.url", "requests cross the network readable; use https")
			}
			if e.OIP != nil && e.OIP.Plain() {
				add(path+".oip.url", "requests cross the network readable; use https or grpcs")
			}
		}
	}
	return all
}
