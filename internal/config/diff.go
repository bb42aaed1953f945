package config

import (
	"slices"
	"strings"
)

// Effect is what a change of the file asks for.
type Effect string

// The effects, from the least to the most.
const (
	Live    Effect = "live"    // in force after a reload
	Restart Effect = "restart" // in force after the role restarts
	Breaks  Effect = "breaks"  // events, offsets or data of before are no longer found
)

// Change is one value that differs between two files.
type Change struct {
	Path   string `json:"path"`
	Old    string `json:"old"` // empty: was not set
	New    string `json:"new"` // empty: is not set any more
	Effect Effect `json:"effect"`
}

// Diff lists what differs, in the order of the documentation.
func Diff(before, after Config) []Change {
	olds, news := valuesOf(before), valuesOf(after)
	var changes []Change
	for _, o := range olds {
		n, found := valueAt(news, o.Path)
		if !found || n.same != o.same {
			changes = append(changes, Change{o.Path, o.Value, n.Value, effectOf(o.Path)})
		}
	}
	for _, n := range news {
		if _, found := valueAt(olds, n.Path); !found {
			changes = append(changes, Change{n.Path, "", n.Value, effectOf(n.Path)})
		}
	}
	return changes
}

func valueAt(values []Value, path string) (Value, bool) {
	i := slices.IndexFunc(values, func(v Value) bool { return v.Path == path })
	if i < 0 {
		return Value{}, false
	}
	return values[i], true
}

// effectOf looks a path up; what is in neither table needs a restart.
func effectOf(path string) Effect {
	starts := func(prefix string) bool { return within(path, prefix) }
	switch {
	case slices.ContainsFunc(live(), starts):
		return Live
	case slices.ContainsFunc(breaking(), starts), changesTopic(path):
		return Breaks
	}
	return Restart
}

// live are the values that a running role takes over.
func live() []string {
	return []string{
		"objective.latency", "log.level", "flow.gateway.rate", "flow.gateway.tokens",
	}
}

// breaking are the values by which data of before is found.
func breaking() []string {
	return []string{
		"name", "data_dir", "flow.stream.group", "flow.gateway.key", "flow.stream.order",
		"kafka.seeds", "kafka.embedded.brokers",
	}
}

// changesTopic says whether other topics would be read or written, or keys
// would move to other partitions.
func changesTopic(path string) bool {
	return slices.ContainsFunc([]string{"name", "partitions", "value", "columns"}, func(key string) bool {
		return matches("kafka.topics.*."+key, path)
	})
}

// Worst is the largest effect of several changes; empty without any.
func Worst(changes []Change) Effect {
	worst := Effect("")
	for _, c := range changes {
		if c.Effect == Breaks || c.Effect == Restart && worst != Breaks || worst == "" {
			worst = c.Effect
		}
	}
	return worst
}

// plainURL says whether a URL goes to another machine without encryption.
func plainURL(url string) bool {
	rest, plain := strings.CutPrefix(url, "http://")
	host, _, _ := strings.Cut(rest, "/")
	return plain && !loopback(host)
}
