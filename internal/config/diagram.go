package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Diagram draws the file as a Mermaid flowchart: the system's drawing, with the
// parts that this file has.
func Diagram(c Config) string {
	d := drawing{cfg: c}
	d.line("flowchart LR")
	d.sources()
	d.cluster()
	d.processing()
	d.models()
	d.knowing()
	d.styles()
	return d.text.String()
}

// drawing collects the lines. Node names are fixed words and numbers; what the
// file says stands in labels only.
type drawing struct {
	cfg  Config
	text strings.Builder
}

func (d *drawing) line(format string, args ...any) {
	fmt.Fprintf(&d.text, format+"\n", args...)
}

// label is a text that Mermaid draws as it is; each part has its own line.
func label(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p == "" {
			continue
		}
		p = strings.NewReplacer("&", "#amp;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "#", "#35;", "\n", " ", "`", "#96;").Replace(p)
		kept = append(kept, p)
	}
	return `"` + strings.Join(kept, "<br/>") + `"`
}

func (d *drawing) sources() {
	d.line("  producers([%s])", label("Producers"))
	d.line("  gateway[%s]", label("Data Preprocessor", "gateway "+d.cfg.Flow.Gateway.Listen))
	d.line("  producers -->|HTTP| gateway")
}

// cluster draws a node per broker, and the topics that events pass.
func (d *drawing) cluster() {
	k := d.cfg.Kafka
	title := "Redpanda / Kafka cluster"
	if k.Embedded != nil {
		title += ", embedded"
	}
	d.line("  subgraph cluster[%s]", label(title))
	d.line("    subgraph brokers[%s]", label("Brokers"))
	d.line("      direction TB")
	for i, broker := range brokers(d.cfg) {
		d.line("      broker%d[(%s)]", i+1, label("Broker "+strconv.Itoa(i+1), broker))
	}
	d.line("    end")
	d.line("    events[/%s/]", label(k.Topics.Events.Name, fmt.Sprintf("%d partitions × %d", k.Topics.Events.Partitions, k.Topics.Events.ReplicationFactor)))
	d.line("    predictions[/%s/]", label(k.Topics.Predictions.Name))
	d.line("    refused[/%s/]", label(k.Topics.DeadLetters.Name, k.Topics.Quarantine.Name, k.Topics.Shed.Name))
	d.line("  end")
	d.line("  gateway --> events")
	d.line("  producers -.->|Kafka| events")
}

// brokers are the addresses to draw, at most a dozen.
func brokers(c Config) []string {
	all := c.Kafka.Seeds
	if e := c.Kafka.Embedded; e != nil {
		all = make([]string, e.Brokers)
		host, port, ok := hostPort(e.Listen)
		for i := range all {
			if ok && port > 0 {
				all[i] = fmt.Sprintf("%s:%d", host, port+i)
			}
		}
	}
	return all[:min(len(all), 12)]
}

func (d *drawing) processing() {
	s := d.cfg.Flow
	request := "payload as it is"
	if len(s.Feature.Fields) > 0 {
		request = strconv.Itoa(len(s.Feature.Fields)) + " fields"
	}
	if s.Feature.Request != "" {
		request = "request expression"
	}
	d.line("  subgraph processor[%s]", label("Stream Processor"))
	d.line("    stream[%s]", label("stream", "group "+s.Stream.Group, "in order by "+s.Stream.Order))
	d.line("    feature[%s]", label("feature", request))
	d.line("    stream --> feature")
	d.line("  end")
	d.line("  balancer{{%s}}", label("Load Balancer", "by partition"))
	d.line("  events --> balancer --> stream")
	d.line("  stream --> predictions")
	d.line("  stream --> refused")
	d.line("  consumers([%s])", label("Consumers"))
	d.line("  predictions --> consumers")
}

func (d *drawing) models() {
	for i, name := range modelNames(d.cfg) {
		m := d.cfg.Models[name]
		if m.Endpoints != nil {
			d.several(i+1, name, m)
			continue
		}
		d.line("  model%d[[%s]]", i+1, label(m.alone().caption()...))
		d.line("  feature %s model%d", d.route(name), i+1)
		d.training(i+1, m)
	}
}

// several draws the endpoints of one model behind what picks among them.
func (d *drawing) several(number int, name string, m ModelConfig) {
	d.line("  model%d{{%s}}", number, label("Load Balancer", "the fastest endpoint"))
	d.line("  feature %s model%d", d.route(name), number)
	for i, e := range m.Endpoints {
		d.line("  model%d_%d[[%s]]", number, i+1, label(e.caption()...))
		d.line("  model%d <--> model%d_%d", number, number, i+1)
	}
}

// caption is what an endpoint's box says: the model's name is in the arrow when it
// is routed.
func (e EndpointConfig) caption() []string {
	switch {
	case e.embedded():
		return []string{"SageMaker inference instance", "endpoint " + e.SageMaker.Endpoint, "emulated"}
	case e.SageMaker != nil:
		return []string{"SageMaker inference instance", "endpoint " + e.SageMaker.Endpoint, e.SageMaker.Region,
			fmt.Sprintf("%d × %s", e.SageMaker.Instances, e.SageMaker.InstanceType)}
	case e.OIP != nil:
		return []string{"Model server", "model " + e.OIP.Model, e.OIP.URL}
	case e.REST != nil:
		return []string{"Model server", e.REST.URL}
	}
	return []string{"Model"}
}

// route is the arrow to a model, with the condition that leads there.
func (d *drawing) route(name string) string {
	var when []string
	for _, r := range d.cfg.Flow.Route {
		if r.Model == name && r.When != "" {
			when = append(when, r.When)
		}
	}
	if len(when) == 0 {
		return "<-->|" + label(name) + "|"
	}
	return "<-->|" + label(name, "when "+strings.Join(when, " or ")) + "|"
}

func (d *drawing) training(i int, m ModelConfig) {
	switch {
	case m.Train != nil:
		d.line("  training%d[[%s]]", i, label("SageMaker training instance", m.Train.Algorithm))
		d.line("  training%d -->|deploys| model%d", i, i)
	case m.Serve != nil:
		own := m.Serve.File + m.Serve.Image + strings.Join(m.Serve.Command, " ")
		d.line("  own%d[/%s/]", i, label("Your model", own))
		d.line("  own%d -->|served as| model%d", i, i)
	}
}

func (d *drawing) knowing() {
	o := d.cfg.Objective
	d.line("  latency[%s]", label("Latency Monitor", fmt.Sprintf("%s within %s", o.Target, formatDuration(o.Latency))))
	d.line("  dashboard[%s]", label("Monitoring Dashboard", d.cfg.Admin.Listen))
	d.line("  predictions -.-> latency")
	d.line("  refused -.-> latency")
	d.line("  latency -.-> dashboard")
}

func (d *drawing) styles() {
	d.line("  classDef aws stroke-width:2px")
	for i := range modelNames(d.cfg) {
		d.line("  class model%d aws", i+1)
	}
}
