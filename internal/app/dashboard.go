package app

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"betimes/internal/config"
	"betimes/internal/dashboard"
	"betimes/internal/watch/latency"
	"betimes/internal/watch/trail"
)

// mountDashboard puts the API and the page on the admin listener.
func (a *App) mountDashboard(monitor *latency.Monitor, finder *trail.Trail) {
	board := dashboard.New(dashboard.Deps{Source: monitor, Finder: finder, Plan: a.plan(), Privacy: a.privacy})
	board.Mount(a.admin.Mount)
}

// plan is the drawing that the file is.
func (a *App) plan() dashboard.Plan {
	c := a.config
	brokers := c.Kafka.Seeds
	if a.seeds != nil {
		brokers = a.seeds
	}
	topics := c.Kafka.Topics
	p := dashboard.Plan{
		Pipeline: c.Name, Gateway: cmp.Or(a.addresses.Gateway, c.Flow.Gateway.Listen), Brokers: brokers, Embedded: a.seeds != nil,
		Events: topics.Events.Name, Partitions: topics.Events.Partitions, Group: c.Flow.Stream.Group, Mapping: mapping(c),
		Endings: []string{topics.Predictions.Name, topics.DeadLetters.Name, topics.Quarantine.Name, topics.Shed.Name},
	}
	if parked := parkedTopic(c); parked != "" {
		p.Endings = append(p.Endings, parked)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Models)) {
		p.Models = append(p.Models, planModel(name, c.Models[name]))
	}
	return p
}

// mapping says in a few words what becomes a request.
func mapping(c config.Config) string {
	switch {
	case len(c.Flow.Feature.Fields) > 0:
		return strings.Join(c.Flow.Feature.Fields, ", ")
	case c.Flow.Feature.Request != "":
		return c.Flow.Feature.Request
	}
	return "payload as it is"
}

func planModel(name string, m config.ModelConfig) dashboard.PlanModel {
	out := dashboard.PlanModel{Name: name, Door: "rest", Endpoints: []string{name}}
	if m.SageMaker != nil {
		out.Door, out.Endpoints = "sagemaker", []string{m.SageMaker.Endpoint}
	}
	if m.Endpoints != nil {
		out.Door, out.Endpoints = fmt.Sprintf("%d endpoints", len(m.Endpoints)), nil
		for _, e := range m.Endpoints {
			out.Endpoints = append(out.Endpoints, e.Name)
		}
	}
	if m.Train != nil {
		out.Training = m.Train.Algorithm
	}
	return out
}
