package config

import (
	"reflect"
)

// Key is one key of the file.
type Key struct {
	Path    string // models.NAME.pure, flow.route[].when
	Type    string // duration, size, text, …
	Default string // as written in a file; empty: none
	Doc     string
	Section bool // it has keys of its own
}

// Keys lists every key of the file, in the order of the documentation.
func Keys() []Key {
	w := keyWalk{}
	w.fields("", reflect.ValueOf(Default()))
	return w.keys
}

type keyWalk struct{ keys []Key }

func (w *keyWalk) fields(path string, v reflect.Value) {
	for _, f := range fieldsOf(v.Type()) {
		w.field(join(path, f.key), f, v.FieldByIndex(f.index))
	}
}

func (w *keyWalk) field(path string, f field, v reflect.Value) {
	inner, below := section(path, f.typ)
	k := Key{Path: path, Type: typeName(f.typ), Doc: f.doc, Section: inner != nil}
	if inner == nil && !follows(v) {
		k.Default = show(v)
	}
	w.keys = append(w.keys, k)
	switch {
	case inner == nil:
	case v.Kind() == reflect.Struct:
		w.fields(below, v)
	default:
		w.fields(below, initial(inner))
	}
}

// follows says whether nothing stands in a default: it follows from other values,
// or there is none, and the key's meaning says so.
func follows(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Bool, reflect.Float64:
		return false
	case reflect.Int:
		return v.IsZero() && !readsText(v.Type()) // auto is 0
	case reflect.Int64:
		return v.IsZero() && textTypeName(v.Type()) != "size or auto"
	}
	return v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0
}

// section gives the struct whose keys stand below a key of type t, and their path.
func section(path string, t reflect.Type) (reflect.Type, string) {
	switch {
	case t.Kind() == reflect.Struct && !readsText(t):
		return t, path
	case t.Kind() == reflect.Pointer:
		return section(path, t.Elem())
	case t.Kind() == reflect.Slice:
		inner, _ := section(path, t.Elem())
		return inner, path + "[]"
	case t.Kind() == reflect.Map:
		inner, _ := section(path, t.Elem())
		return inner, path + ".NAME"
	}
	return nil, path
}

// typeName names a type for people.
func typeName(t reflect.Type) string {
	switch {
	case t == durationType:
		return "duration"
	case t == secretType:
		return "secret"
	case readsText(t):
		return textTypeName(t)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Slice:
		return "list of " + typeName(t.Elem())
	case reflect.Map:
		return "names with " + typeName(t.Elem())
	case reflect.Struct:
		return "section"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "number"
	case reflect.String:
		return "text"
	}
	return "whole number"
}

func textTypeName(t reflect.Type) string {
	switch t.Name() {
	case "Bytes":
		return "size"
	case "AutoBytes":
		return "size or auto"
	case "Auto":
		return "whole number or auto"
	case "Ratio":
		return "ratio"
	case "Delay":
		return "duration or auto"
	}
	return "text"
}
