package feature

import (
	"fmt"

	"betimes/internal/event"
)

// Router picks the model that is asked about an event. It is safe for
// concurrent use.
type Router struct {
	routes []route
}

type route struct {
	when  *Expression // nil: always
	model string
}

// NewRouter compiles flow.route.
func NewRouter(routes []RouteConfig) (*Router, error) {
	r := &Router{routes: make([]route, len(routes))}
	for i, c := range routes {
		r.routes[i].model = c.Model
		if c.When == "" {
			continue
		}
		where := fmt.Sprintf("flow.route.%d.when", i)
		x, err := Compile(c.When, Bool)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		r.routes[i].when = x.named(where)
	}
	return r, nil
}

// To always picks that model: flow.model.
func To(model string) *Router { return &Router{routes: []route{{model: model}}} }

// Model gives the name of the first entry's model that matches the event. The
// error is an *Error; its reason is no_route when none matches.
func (r *Router) Model(in *Input) (string, error) {
	for _, one := range r.routes {
		if one.when == nil {
			return one.model, nil
		}
		matches, err := one.when.Bool(in)
		if err != nil {
			return "", err
		}
		if matches {
			return one.model, nil
		}
	}
	return "", &Error{
		Reason: event.ReasonRoute, Field: "flow.route",
		Text: fmt.Sprintf("none of %d entries matches this event; add a last one without when", len(r.routes)),
	}
}
