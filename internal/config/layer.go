package config

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// layers reads the file and lays what it extends and the environment below it
// and --set above it. Nil: a problem was noted that makes the rest pointless.
func (l *loader) layers(data []byte) *node {
	tree := l.text(l.path, data)
	if tree == nil {
		return nil
	}
	if tree = l.extend(tree); tree == nil {
		return nil
	}
	tree = merge(l.environment(), tree)
	for _, s := range l.options.Set {
		l.set(tree, s)
	}
	return tree
}

// text reads one file.
func (l *loader) text(path string, data []byte) *node {
	tree := (&reader{list: &l.list, file: path, env: l.options.Env}).read(data)
	switch {
	case tree == nil:
		return nil
	case tree.kind == absent:
		l.add(Origin{File: path}, "", "the file is empty; write {} for the example problem with all defaults")
		return nil
	case tree.kind != mapping:
		l.add(tree.from, "", "%s is here, but keys are wanted; write name: value lines, or {}", tree.describe(reflect.TypeFor[Config]()))
		return nil
	}
	return tree
}

// extend lays the tree over the file it extends.
func (l *loader) extend(tree *node) *node {
	link := tree.find("extends")
	if link == nil || link.kind == absent {
		return tree
	}
	if link.kind != scalar || link.text == "" {
		l.add(link.from, "extends", "%s is here, but the path of one file is wanted", link.describe(reflect.TypeFor[string]()))
		return tree
	}
	path := beside(l.path, link.text)
	data, err := readFile(path)
	if err != nil {
		l.add(link.from, "extends", "%s: %s", path, missing(err))
		return nil
	}
	l.files = append(l.files, path)
	base := l.text(path, data)
	if base == nil {
		return nil
	}
	if again := base.find("extends"); again != nil {
		l.add(again.from, "extends", "this file is itself extended by %s; one level only, merge two of the files", l.path)
		base.drop("extends")
	}
	return merge(base, tree)
}

// environment is the lowest layer: what the surroundings say about AWS and addresses.
func (l *loader) environment() *node {
	tree := &node{kind: mapping}
	for _, v := range []struct{ path, name string }{
		{"listen_host", "BETIMES_HOST"},
		{"aws.region", "AWS_DEFAULT_REGION"},
		{"aws.region", "AWS_REGION"}, // wins over the one before
		{"aws.endpoint_url", "AWS_ENDPOINT_URL"},
		{"aws.profile", "AWS_PROFILE"},
	} {
		if value, ok := l.options.Env(v.name); ok && value != "" {
			from := Origin{By: "env " + v.name}
			keys := strings.Split(v.path, ".")
			place(tree, keys, &node{kind: scalar, from: from, text: value})
		}
	}
	return tree
}

var elementKey = regexp.MustCompile(`\[(\d{1,4})\]`)

// set puts one path=value of --set into the tree.
func (l *loader) set(tree *node, text string) {
	from := Origin{By: "--set"}
	path, given, ok := strings.Cut(text, "=")
	path = strings.TrimSpace(path)
	if !ok || path == "" {
		l.add(from, "", "%s has no path=value; write for example --set objective.latency=100ms", shorten(text))
		return
	}
	if path == "extends" {
		l.add(from, path, "it is read before --set; write it into the file")
		return
	}
	value := l.setValue(path, given)
	if value == nil {
		return
	}
	keys := strings.Split(elementKey.ReplaceAllString(path, ".$1"), ".")
	if !place(tree, keys, value) {
		l.add(from, path, "there is no such entry in the list; name one that exists, or set the whole list")
	}
}

// setValue reads what follows =; text that is no YAML stands for itself.
func (l *loader) setValue(path, given string) *node {
	own := list{}
	value := (&reader{list: &own, by: "--set", env: l.options.Env}).read([]byte(given))
	if value == nil {
		if _, err := expand(given, l.options.Env); err != nil {
			l.add(Origin{By: "--set"}, path, "%s", err)
			return nil
		}
		value = &node{kind: scalar, text: given}
	}
	value.given = given
	value.mark(Origin{By: "--set"})
	return value
}

// mark gives the whole tree one origin.
func (n *node) mark(from Origin) {
	n.from = from
	for i := range n.entries {
		n.entries[i].from = from
		n.entries[i].value.mark(from)
	}
	for _, element := range n.elements {
		element.mark(from)
	}
}

// place puts value at the end of keys and makes the mappings on the way. It is
// false when keys names an entry that a list does not have.
func place(tree *node, keys []string, value *node) bool {
	key, rest := keys[0], keys[1:]
	if tree.kind == sequence {
		return placeElement(tree, keys, value)
	}
	tree.kind = mapping
	next := tree.find(key)
	if len(rest) == 0 {
		tree.assign(key, next, value)
		return true
	}
	if next == nil || next.kind == scalar || next.kind == absent {
		next = &node{kind: mapping, from: value.from}
		tree.put(entry{key, value.from, next})
	}
	return place(next, rest, value)
}

func placeElement(tree *node, keys []string, value *node) bool {
	i, err := strconv.Atoi(keys[0])
	if err != nil || i >= len(tree.elements) || i < 0 {
		return false
	}
	if len(keys) == 1 {
		tree.elements[i] = value
		return true
	}
	return place(tree.elements[i], keys[1:], value)
}

// assign sets one key; a mapping is merged.
func (n *node) assign(key string, old, value *node) {
	if old != nil {
		value = merge(old, value)
	}
	n.put(entry{key, value.from, value})
}
