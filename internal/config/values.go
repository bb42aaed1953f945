package config

import (
	"fmt"
	"io"
	"reflect"
	"slices"
)

// Value is one setting that is in force.
type Value struct {
	Path   string `json:"path"`
	Value  string `json:"value"`  // as a file would say it; no secrets
	Origin string `json:"origin"` // v1.yaml:12, --set, env AWS_REGION, default
	same   any    // what Diff compares
}

// Values lists everything that is in force, in the order of the documentation.
func (l *Loaded) Values() []Value {
	all := valuesOf(l.Config)
	for i, v := range all {
		all[i].Origin = l.Origin(v.Path).String()
	}
	return all
}

// Print writes a line per value, with where it comes from.
func (l *Loaded) Print(w io.Writer) error {
	for _, v := range l.Values() {
		if _, err := fmt.Fprintf(w, "%-56s # %s\n", v.Path+": "+v.Value, v.Origin); err != nil {
			return err
		}
	}
	return nil
}

func valuesOf(c Config) []Value {
	w := valueWalk{}
	w.walk("", reflect.ValueOf(c))
	return slices.DeleteFunc(w.all, func(v Value) bool { return v.Path == "extends" }) // it did its work
}

type valueWalk struct{ all []Value }

func (w *valueWalk) walk(path string, v reflect.Value) {
	t := v.Type()
	inner, _ := section(path, t)
	switch {
	case t.Kind() == reflect.Pointer && v.IsNil():
	case t.Kind() == reflect.Pointer && inner != nil && v.Elem().IsZero():
		w.all = append(w.all, Value{Path: path, Value: "{}", same: "{}"}) // tls: {} is there, though no key is set
	case t.Kind() == reflect.Pointer:
		w.walk(path, v.Elem())
	case t.Kind() == reflect.Struct && inner != nil:
		for _, f := range fieldsOf(t) {
			w.walk(join(path, f.key), v.FieldByIndex(f.index))
		}
	case t.Kind() == reflect.Map:
		for _, name := range names(v) {
			w.walk(join(path, name), v.MapIndex(reflect.ValueOf(name)))
		}
	case t.Kind() == reflect.Slice && inner != nil:
		for i := range v.Len() {
			w.walk(index(path, i), v.Index(i))
		}
	default:
		w.all = append(w.all, Value{Path: path, Value: show(v), same: identity(v)})
	}
}

// identity is what two settings are compared by; lists by their text.
func identity(v reflect.Value) any {
	if v.Comparable() {
		return v.Interface()
	}
	return show(v)
}
