package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// notBuilt are keys of the contract whose rooms do not exist yet: refused, and
// not taken for a typing error.
func notBuilt() []string {
	return []string{
		"flow.preprocess", "flow.cache", "flow.async", "flow.mirror",
		"flow.feature.lookup", "flow.feature.http", "flow.feature.windows", "flow.feature.state", "flow.feature.enrich",
		"watch.slo", "watch.alert", "watch.canary", "steer",
	}
}

// namesFile says whether the value at path is the path of a file.
func namesFile(path string) bool {
	return slices.ContainsFunc([]string{
		"extends", "data_dir", "kafka.tls.ca", "kafka.tls.cert", "kafka.tls.key", "kafka.sasl.oauth.ca", "models.*.oip.ca", "kafka.topics.events.registry.ca", "models.*.rest.ca", "models.*.endpoints[].oip.ca", "models.*.endpoints[].rest.ca", "models.*.train.data", "models.*.serve.file",
		"flow.gateway.tls.cert", "flow.gateway.tls.key", "flow.gateway.tls.client_ca", "admin.tls.cert", "admin.tls.key", "admin.tls.client_ca",
	}, func(pattern string) bool { return matches(pattern, path) })
}

// namesProgram says whether the value at path is part of a command line.
func namesProgram(path string) bool {
	return matches("models.*.serve.image", path) || matches("models.*.serve.command", parent(path))
}

// matches compares a path with a pattern in which * is any one key, and [] any
// element of a list.
func matches(pattern, path string) bool {
	want, have := strings.Split(pattern, "."), strings.Split(path, ".")
	return slices.EqualFunc(want, have, func(w, h string) bool {
		list, _, is := strings.Cut(h, "[")
		return w == "*" || w == h || is && w == list+"[]"
	})
}

// unknown notes a key that nothing reads.
func (d *decoder) unknown(path string, e entry, t reflect.Type) {
	if d.full() {
		return // finding what was meant costs more than noting it
	}
	if path == "kafka" && namesBrokers(e) {
		d.add(e.from, join(path, e.key), "unknown key; brokers that run already are kafka.seeds, a list of HOST:PORT")
		return
	}
	d.add(e.from, join(path, shortKey(e.key)), "%s", meant(path, e.key, t))
}

// namesBrokers says whether the key is what other tools call kafka.seeds.
func namesBrokers(e entry) bool {
	switch e.key {
	case "bootstrap", "bootstrap_servers", "bootstrap.servers", "servers":
		return true
	case "brokers": // a number of them belongs to the embedded ones
		return e.value.kind == sequence || strings.Contains(e.value.text, ":")
	}
	return false
}

// shortKey keeps a line readable.
func shortKey(key string) string {
	if len(key) > 60 || strings.ContainsAny(key, "\n\r") {
		return shorten(key)
	}
	return key
}

// meant says what to do about it.
func meant(path, key string, t reflect.Type) string {
	full := join(path, key)
	if slices.ContainsFunc(notBuilt(), func(pattern string) bool { return matches(pattern, full) }) {
		return "is not built yet in this version; remove it"
	}
	keys := keysOf(t)
	if len(key) > 60 {
		return "unknown key; known here: " + strings.Join(keys, ", ")
	}
	if near := closest(key, keys); near != "" {
		return fmt.Sprintf("unknown key; did you mean %s?", near)
	}
	if places := elsewhere(key); len(places) == 1 {
		return fmt.Sprintf("unknown key; did you mean %s?", places[0])
	}
	return "unknown key; known here: " + strings.Join(keys, ", ")
}

// closest is the known key that differs by at most a third of its letters.
func closest(key string, keys []string) string {
	best, least := "", len(key)/3+1
	for _, k := range keys {
		if d := distance(strings.ToLower(key), k); d <= least && d < len(k) {
			best, least = k, d-1
		}
	}
	return best
}

// distance is the number of letters to add, remove or replace between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// elsewhere lists the paths that end in key.
func elsewhere(key string) []string {
	var found []string
	for _, k := range Keys() {
		if strings.HasSuffix(k.Path, "."+key) || k.Path == key {
			found = append(found, k.Path)
		}
	}
	return found
}
