package config

import (
	"reflect"
	"strings"
)

// field is one key that a struct of a room reads.
type field struct {
	key, doc string
	index    []int
	typ      reflect.Type
}

// fieldsOf gives the keys of a struct in the order they are declared, those of
// inlined structs in their place.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		key, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if options == "inline" {
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				fields = append(fields, inner)
			}
			continue
		}
		if key != "" && key != "-" {
			fields = append(fields, field{key, f.Tag.Get("doc"), []int{i}, f.Type})
		}
	}
	return fields
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for _, f := range fieldsOf(t) {
		keys = append(keys, f.key)
	}
	return keys
}
