package config

import (
	"slices"
	"strings"

	"betimes/internal/flow/feature"
	"betimes/internal/model"
	"betimes/internal/oip"
	"betimes/internal/pointer"
)

// expressions compiles what the stream will compile, so that a mistake is found
// before the first event.
func (c checker) expressions() {
	c.addUnder("flow.route", feature.ValidateRoutes(c.Flow.Route, modelNames(c.Config)), c.origins)
	p := c.Kafka.Topics.Predictions
	if _, err := feature.NewOutput(p.Format, p.Headers); err != nil {
		c.pathed(err, "kafka.topics.predictions")
	}
	for i, at := range p.Include {
		c.pointer(index("kafka.topics.predictions.include", i), at)
	}
	if strings.HasPrefix(c.Objective.From, "/") {
		c.pointer("objective.from", c.Objective.From)
	}
	for _, name := range modelNames(c.Config) {
		c.asked(name, c.Models[name])
	}
}

func (c checker) pointer(path, text string) {
	if _, err := pointer.Parse(text); err != nil {
		c.bad(path, "%s", err)
	}
}

// asked tries to prepare the requests and answers of one model.
func (c checker) asked(name string, m ModelConfig) {
	path := "models." + name
	if m.Response != "" {
		if _, err := feature.NewResponse(name, m.Response); err != nil {
			c.pathed(err, path+".response")
		}
	}
	if m.ErrorMember == "" {
		c.bad(path+".error_member", "it is empty; write the name of a member, or off")
	}
	codec := c.codec(path, m)
	if codec == nil {
		return
	}
	for i, e := range m.Ways() {
		if err := oip.CheckContentType(m.MediaType()); e.OIP != nil && err != nil {
			c.bad(path+".content_type", "%s", err)
		}
		if e.REST != nil && e.REST.Template != "" && !strings.Contains(m.MediaType(), "json") {
			c.bad(m.way(path, i)+".rest.template", "it is JSON, and requests are %s; remove it, or content_type", m.MediaType())
		}
	}
	events := c.Kafka.Topics.Events
	if _, err := feature.New(c.Flow.Feature, feature.Format{Value: events.Value, Columns: events.Columns}, codec); err != nil {
		c.pathed(err, "flow.feature")
	}
}

// codec is that of a model's requests, nil where there is none.
func (c checker) codec(path string, m ModelConfig) model.Codec {
	if !slices.Contains(model.Forms(), m.Batch) {
		c.bad(path+".batch", "%q is not known; write one of %s", m.Batch, strings.Join(model.Forms(), ", "))
		return nil
	}
	codec, err := model.CodecOf(m.Form(), m.MediaType())
	switch named := m.Form().Named(); {
	case err != nil && named:
		c.bad(path+".batch", "%s", err)
	case err != nil:
		c.bad(path+".content_type", "%s", err)
	case named && !c.takes(path, m):
	default:
		return codec
	}
	return nil
}

// takes says whether all endpoints of a model take calls in the form that it names.
func (c checker) takes(path string, m ModelConfig) bool {
	for _, e := range m.Ways() {
		switch {
		case e.OIP != nil:
			c.bad(path+".batch", "events share calls of this protocol as tensors; write auto or none")
		case e.SageMaker != nil && e.SageMaker.Session != "":
			c.bad(path+".batch", "the calls of sagemaker.session are about one event each; write auto or none")
		case m.Form() != model.FormInstances && e.REST != nil && e.REST.Template != "":
			c.bad(path+".batch", "rest.template is JSON around a list, not %s; write auto, instances or none", m.Batch)
		default:
			continue
		}
		return false
	}
	return true
}

// pathed notes an error whose text begins with the path it is about.
func (c checker) pathed(err error, otherwise string) {
	path, text, ok := strings.Cut(err.Error(), ": ")
	if !ok || !strings.Contains(path, ".") || strings.ContainsAny(path, " \"") {
		path, text = otherwise, err.Error()
	}
	path = elementOf(path)
	c.bad(path, "%s", text)
}
