package control

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"betimes/internal/lab/emulator/reply"
	"betimes/internal/lab/emulator/store"
)

// fields is a request as it was sent, so that members unknown here are given back.
type fields map[string]json.RawMessage

// with adds a member; v always marshals.
func (f fields) with(name string, v any) fields {
	raw, err := json.Marshal(v)
	if err == nil {
		f[name] = raw
	}
	return f
}

// without is a copy that lacks members.
func (f fields) without(names ...string) fields {
	kept := maps.Clone(f)
	for _, n := range names {
		delete(kept, n)
	}
	return kept
}

// append adds the elements of a list to the list of a member.
func (f fields) append(name string, more json.RawMessage) {
	var have, added []json.RawMessage
	_ = json.Unmarshal(f[name], &have) // what is no list is none
	if json.Unmarshal(more, &added) == nil && len(added) > 0 {
		f.with(name, slices.Concat(have, added))
	}
}

// record is what every resource has.
type record struct {
	Name     string     `json:"name"`
	ARN      string     `json:"arn"`
	Created  reply.Time `json:"created"`
	Modified reply.Time `json:"modified"`
	Request  fields     `json:"request"`
}

func (r *record) about() *record { return r }

// status is empty for resources without states.
func (r *record) status() string { return "" }

type resource interface {
	about() *record
	status() string
}

// table is the resources of one kind. Service.mu guards it.
type table[R resource] struct {
	kind   string
	store  *store.Store
	all    map[string]R
	byTime []R // in the order in which they were created, so that a page costs no sorting
}

func open[R resource](s *store.Store, kind string) (*table[R], error) {
	all, err := store.Load[R](s, kind)
	t := &table[R]{kind: kind, store: s, all: all, byTime: slices.Collect(maps.Values(all))}
	slices.SortFunc(t.byTime, func(a, b R) int { return inTime(positionOf(a), positionOf(b)) })
	return t, err
}

// at is where a position is, or would be, in byTime.
func (t *table[R]) at(p position) (int, bool) {
	return slices.BinarySearchFunc(t.byTime, p, func(r R, p position) int { return inTime(positionOf(r), p) })
}

func (t *table[R]) get(name string) (R, bool) {
	r, ok := t.all[name]
	return r, ok
}

// put keeps a resource, on disk first.
func (t *table[R]) put(r R) error {
	name := r.about().Name
	if err := t.store.Put(t.kind, name, r); err != nil {
		return err
	}
	t.drop(name)
	t.all[name] = r
	i, _ := t.at(positionOf(r))
	t.byTime = slices.Insert(t.byTime, i, r)
	return nil
}

func (t *table[R]) delete(name string) error {
	if err := t.store.Delete(t.kind, name); err != nil {
		return err
	}
	t.drop(name)
	return nil
}

func (t *table[R]) drop(name string) {
	old, ok := t.all[name]
	if !ok {
		return
	}
	delete(t.all, name)
	if i, found := t.at(positionOf(old)); found {
		t.byTime = slices.Delete(t.byTime, i, i+1)
	}
}

func (t *table[R]) clear() error {
	clear(t.all)
	t.byTime = nil
	return t.store.Clear(t.kind)
}

func (t *table[R]) names() []string { return append([]string{}, slices.Sorted(maps.Keys(t.all))...) }

// arns adds those of all resources, in lower case.
func (t *table[R]) arns(to map[string]bool) {
	for _, r := range t.all {
		to[strings.ToLower(r.about().ARN)] = true
	}
}
