package config

import (
	"regexp"
	"slices"
	"strings"

	"betimes/internal/flow/balance"
	"betimes/internal/flow/feature"
	"betimes/internal/setting"
)

const maxName = 100

var goodName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// across checks what no single room can know.
func (l *list) across(cfg Config, from origins) {
	c := checker{l, cfg, from}
	c.top()
	c.cluster()
	c.copies()
	c.models()
	c.route()
	c.fallback()
	c.expressions()
	c.ports()
	c.budget()
	c.balance()
	c.possible()
}

// checker looks at the settled file.
type checker struct {
	*list
	Config
	origins origins
}

func (c checker) bad(path, format string, args ...any) {
	c.add(c.origins.nearest(path), path, format, args...)
}

// budget holds what rooms may hold against what there is: half is for holding,
// the rest for working.
func (c checker) budget() {
	limit := setting.Bytes(c.Memory)
	held := c.Flow.Gateway.MaxInFlight + c.Flow.Stream.MaxQueuedBytes*setting.Bytes(c.Flow.Stream.Workers)
	if limit > 0 && held > limit/2 {
		c.bad("memory", "%s is less than twice the %s that flow.gateway.max_in_flight and flow.stream.max_queued_bytes of %d workers may hold; raise it or lower them", limit, held, c.Flow.Stream.Workers)
	}
}

// balance checks what is said of endpoints against the models that have several.
func (c checker) balance() {
	several, b := false, c.Flow.Balance
	for _, name := range modelNames(c.Config) {
		m := c.Models[name]
		if len(m.Endpoints) < 2 {
			continue
		}
		several = true
		if b.Hedge != nil && !m.Pure {
			c.bad("models."+name+".pure", "flow.balance.hedge makes a call twice, which is right only where the same input has the same answer and no other effect; write pure: true, or hedge: off")
		}
		if i := slices.IndexFunc(m.Endpoints, EndpointConfig.async); b.Hedge != nil && i >= 0 {
			c.bad(index("models."+name+".endpoints", i)+".sagemaker.async", "flow.balance.hedge makes a second call while the first waits, and a request that waits there cannot be taken back; remove it, or write hedge: off")
		}
		if b.Sticky == balance.StickyKey && m.Shares() && c.Flow.Batch.MaxEvents != 1 {
			c.bad("flow.balance.sticky", "events of several keys share calls of models.%s; write flow.batch.max_events: 1, or models.%s.batch: none", name, name)
		}
	}
	switch {
	case b.Hedge == nil:
	case !several:
		c.bad("flow.balance.hedge", "the second call goes to another endpoint, and no model has several; write models.NAME.endpoints, or hedge: off")
	case b.Sticky == balance.StickyKey:
		c.bad("flow.balance.hedge", "the second call goes to an endpoint that flow.balance.sticky keeps its key from; switch one of both off")
	}
	if b.Sticky == balance.StickyKey && !several {
		c.bad("flow.balance.sticky", "no model has several endpoints; write models.NAME.endpoints, or sticky: off")
	}
}

func (c checker) top() {
	if !goodName.MatchString(c.Name) || len(c.Name) > maxName {
		c.bad("name", "%s cannot begin topic and group names; use at most %d letters, digits, . _ and -", shorten(c.Name), maxName)
	}
	if c.Objective.Latency <= 0 {
		c.bad("objective.latency", "0s is no time at all; write for example 250ms")
	}
	if c.Objective.Target <= 0 || c.Objective.Target >= 1 {
		c.bad("objective.target", "%s leaves no error budget or no objective; write for example 99%%", c.Objective.Target)
	}
	if c.Objective.Window <= 0 {
		c.bad("objective.window", "0s is no span; write for example 30d")
	}
	if f := c.Objective.From; !strings.HasPrefix(f, "/") {
		c.oneOf("objective.from", f, "record", "log_append", "fetch", "a JSON pointer like /event_time")
	}
	c.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	c.oneOf("log.format", c.Log.Format, "auto", "text", "json")
	c.oneOf("privacy.show", string(c.Privacy.Show), "none", "keys", "payloads")
	if c.ShutdownTimeout <= 0 {
		c.bad("shutdown_timeout", "0s leaves no time to finish what is in flight; write for example 25s")
	}
}

func (c checker) oneOf(path, value string, allowed ...string) {
	for _, a := range allowed {
		if a == value {
			return
		}
	}
	c.bad(path, "%s is not known; use %s", shorten(value), strings.Join(allowed, ", "))
}

func (c checker) cluster() {
	k := c.Kafka
	if len(k.Seeds) == 0 && k.Embedded == nil {
		c.bad("kafka.seeds", "the list is empty; name brokers like host:9092, or remove the key for embedded brokers")
	}
	if len(k.Seeds) > 0 && c.Flow.Stream.From == "" {
		c.bad("flow.stream.from", "kafka.seeds names a cluster of your own, so where to begin without committed offsets must be said; write latest, earliest or a time like 2026-01-31T00:00:00Z")
	}
}

// copies of a partition need as many brokers.
func (c checker) copies() {
	if c.Kafka.Embedded == nil {
		return
	}
	for key, topic := range topicsByKey(&c.Kafka.Topics) {
		if brokers := c.Kafka.Embedded.Brokers; topic.ReplicationFactor > brokers {
			c.bad("kafka.topics."+key+".replication_factor", "%d copies do not fit on %d embedded brokers; lower it or raise kafka.embedded.brokers", topic.ReplicationFactor, brokers)
		}
	}
}

func (c checker) route() {
	if c.Flow.Model != "" && len(c.Flow.Route) > 0 {
		c.bad("flow.route", "flow.model names a model for every event; remove one of both")
	}
	switch {
	case c.Flow.Model != "":
		c.known("flow.model", c.Flow.Model)
	case len(c.Flow.Route) > 0:
		c.reached()
	}
	if c.Flow.Model == "" && len(c.Flow.Route) == 0 && len(c.Models) > 1 {
		c.bad("flow.model", "there are %d models (%s); name one here, or write flow.route", len(c.Models), strings.Join(modelNames(c.Config), ", "))
	}
}

// fallback is another model than those that it answers for.
func (c checker) fallback() {
	name := c.Flow.Admit.Fallback
	if name == "" {
		return
	}
	if _, ok := c.Models[name]; !ok {
		c.bad("flow.admit.fallback", "there is no model %s; models has %s", shorten(name), strings.Join(modelNames(c.Config), ", "))
		return
	}
	if c.Flow.Model == name {
		c.bad("flow.admit.fallback", "%s is the model that every event goes to; name another, quicker one", shorten(name))
	}
}

// reached notes models that no route leads to.
func (c checker) reached() {
	for _, name := range modelNames(c.Config) {
		if name != c.Flow.Admit.Fallback && !slices.ContainsFunc(c.Flow.Route, func(r feature.RouteConfig) bool { return r.Model == name }) {
			c.bad("models."+name, "no event goes to it; name it in flow.route, or remove it")
		}
	}
}

// known notes a model that is not there, and models that no event reaches.
func (c checker) known(path, model string) {
	if _, ok := c.Models[model]; !ok && len(c.Models) > 0 {
		c.bad(path, "there is no model %s; models has %s", shorten(model), strings.Join(modelNames(c.Config), ", "))
		return
	}
	for _, name := range modelNames(c.Config) {
		if name != model && name != c.Flow.Admit.Fallback {
			c.bad("models."+name, "no event goes to it; name it in flow.route, or remove it")
		}
	}
}
