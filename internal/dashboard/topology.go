package dashboard

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// Plan is what the configuration says of the pipeline's parts.
type Plan struct {
	Pipeline   string
	Gateway    string   // address; empty: there is none
	Brokers    []string // addresses, or as many empty strings as there are brokers
	Embedded   bool     // brokers of this process
	Events     string   // topic
	Partitions int
	Endings    []string // topics in which events end, predictions first
	Group      string
	Mapping    string // what feature does, in a few words
	Models     []PlanModel
}

// PlanModel is a model with what serves and trains it.
type PlanModel struct {
	Name, Door string
	Endpoints  []string
	Training   string // algorithm; empty: it is not trained here
}

// Topology is the drawing of the pipeline: boxes in columns, and arrows.
type Topology struct {
	Pipeline string  `json:"pipeline"`
	Boxes    []Box   `json:"boxes"`
	Arrows   []Arrow `json:"arrows"`
}

// Box is one part.
type Box struct {
	ID     string   `json:"id"`
	Column int      `json:"column"`
	Kind   string   `json:"kind"` // outside · role · broker · model · training
	Title  string   `json:"title"`
	Lines  []string `json:"lines"`
	State  string   `json:"state"` // ok · trouble · silent; empty: not known
	Stages []string `json:"stages,omitempty"`
}

// Arrow leads from a box to another.
type Arrow struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Label string `json:"label,omitempty"`
}

// States of a box.
const (
	stateOK      = "ok"
	stateTrouble = "trouble"
	stateSilent  = "silent"
)

// drawing collects boxes and arrows.
type drawing struct {
	plan Plan
	now  Summary
	Topology
}

// draw draws the plan with what is known now.
func (p Plan) draw(now Summary) Topology {
	d := drawing{plan: p, now: now, Topology: Topology{Pipeline: p.Pipeline}}
	d.intake()
	d.cluster()
	d.processor()
	d.models()
	d.markCulprit()
	return d.Topology
}

func (d *drawing) box(b Box) {
	if b.Lines == nil {
		b.Lines = []string{}
	}
	d.Boxes = append(d.Boxes, b)
}

func (d *drawing) arrow(from, to, label string) { d.Arrows = append(d.Arrows, Arrow{from, to, label}) }

func (d *drawing) intake() {
	d.box(Box{ID: "producers", Column: 0, Kind: "outside", Title: "Producers"})
	if d.plan.Gateway == "" {
		d.arrow("producers", "cluster", "Kafka")
		return
	}
	d.box(Box{
		ID: "gateway", Column: 1, Kind: "role", Title: "Data Preprocessor", Lines: []string{"gateway " + d.plan.Gateway},
		State: d.roleState("gateway"), Stages: []string{"gateway", "preprocess", "produce"},
	})
	d.arrow("producers", "gateway", "HTTP")
	d.arrow("gateway", "cluster", "")
}

func (d *drawing) cluster() {
	title := counted(len(d.plan.Brokers), "broker")
	if d.plan.Embedded {
		title += ", embedded"
	}
	b := Box{ID: "cluster", Column: 2, Kind: "broker", Title: "Redpanda / Kafka", Lines: []string{title}, Stages: []string{"broker", "publish"}}
	b.Lines = append(b.Lines, d.plan.Events+" · "+counted(d.plan.Partitions, "partition"))
	if len(d.now.Lag.Partitions) > 0 {
		b.Lines = append(b.Lines, "lag "+strconv.FormatInt(d.now.Lag.Records, 10))
	}
	d.box(b)
}

func (d *drawing) processor() {
	workers := 0
	for _, i := range d.now.Instances {
		if i.Role == "stream" && !i.Silent {
			workers++
		}
	}
	d.box(Box{
		ID: "stream", Column: 3, Kind: "role", Title: "Stream Processor",
		Lines: kept(counted(workers, "worker"), "group "+d.plan.Group, d.plan.Mapping),
		State: d.roleState("stream"), Stages: []string{"queue", "feature", "cache", "admit", "batch", "balance", "retry"},
	})
	d.arrow("cluster", "stream", "by partition")
	d.box(Box{ID: "consumers", Column: 4, Kind: "outside", Title: "Consumers", Lines: d.plan.Endings})
	d.arrow("stream", "consumers", "through the cluster")
}

func (d *drawing) models() {
	for i, m := range d.plan.Models {
		id := "model" + strconv.Itoa(i)
		b := Box{ID: id, Column: 4, Kind: "model", Title: m.Name, Lines: []string{m.Door}, Stages: []string{"network", "model"}}
		for _, e := range d.now.Endpoints {
			if e.Model == m.Name {
				b.Lines = append(b.Lines, fmt.Sprintf("%s · %.0f/s", e.Name, e.RatePerS))
				b.State = cmp.Or(troubleUnless(e.Up, b.State), stateOK)
			}
		}
		if len(b.Lines) == 1 {
			b.Lines = append(b.Lines, m.Endpoints...)
		}
		d.box(b)
		d.arrow("stream", id, "")
		if m.Training != "" {
			d.box(Box{ID: "training" + strconv.Itoa(i), Column: 5, Kind: "training", Title: "Training", Lines: []string{m.Training}})
			d.arrow("training"+strconv.Itoa(i), id, "deploys")
		}
	}
}

// troubleUnless keeps a trouble that was found before.
func troubleUnless(up bool, before string) string {
	if !up {
		return stateTrouble
	}
	return before
}

// roleState is ok when an instance of the role is heard of, silent when it no longer is.
func (d *drawing) roleState(role string) string {
	state := ""
	for _, i := range d.now.Instances {
		if i.Role != role {
			continue
		}
		if !i.Silent {
			return stateOK
		}
		state = stateSilent
	}
	return state
}

// markCulprit shows where the stage to blame happens.
func (d *drawing) markCulprit() {
	if d.now.Why.Culprit == nil {
		return
	}
	for i := range d.Boxes {
		if slices.Contains(d.Boxes[i].Stages, d.now.Why.Culprit.Stage) {
			d.Boxes[i].State = stateTrouble
		}
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

func kept(lines ...string) []string {
	return slices.DeleteFunc(lines, func(s string) bool { return s == "" })
}
