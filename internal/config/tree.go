package config

// kind is the shape of a node.
type kind int

const (
	absent kind = iota // null, or nothing after the colon
	scalar
	sequence
	mapping
)

// String names a kind in an error text.
func (k kind) String() string {
	return [...]string{"nothing", "a single value", "a list", "a set of keys"}[k]
}

// node is one value of a file, with the place it was written at.
type node struct {
	kind     kind
	from     Origin
	text     string // of a scalar, variables put in
	quoted   bool   // was in quotes, so it is text even when it looks like a number
	given    string // what followed = in --set: an expression may look like a list
	entries  []entry
	elements []*node
}

// entry is one key of a mapping.
type entry struct {
	key   string
	from  Origin
	value *node
}

// find gives the value at key, or nil.
func (n *node) find(key string) *node {
	for _, e := range n.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// put sets key, in place of an older value.
func (n *node) put(added entry) {
	for i, e := range n.entries {
		if e.key == added.key {
			n.entries[i] = added
			return
		}
	}
	n.entries = append(n.entries, added)
}

// drop removes key.
func (n *node) drop(key string) {
	for i, e := range n.entries {
		if e.key == key {
			n.entries = append(n.entries[:i], n.entries[i+1:]...)
			return
		}
	}
}

// merge lays over on top of base: keys are merged, all else replaces. A null
// stays, so that a key that nothing reads is still found; it reads as nothing.
func merge(base, over *node) *node {
	if base == nil || base.kind != mapping || over.kind != mapping {
		return over
	}
	merged := &node{kind: mapping, from: over.from, entries: append([]entry(nil), base.entries...)}
	for _, e := range over.entries {
		if old := merged.find(e.key); old != nil {
			e.value = merge(old, e.value)
		}
		merged.put(e)
	}
	return merged
}
