package config

import (
	"reflect"

	"betimes/internal/setting"
)

// validator is a room's Config that checks itself.
type validator interface{ Validate() setting.Problems }

// rooms asks every section that checks itself, wherever it stands in the file:
// a room that gains a Validate is asked without a line here.
func (l *list) rooms(cfg Config, from origins) {
	l.section("", reflect.ValueOf(cfg), from)
}

func (l *list) section(path string, v reflect.Value, from origins) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			l.section(path, v.Elem(), from)
		}
	case reflect.Map:
		for _, name := range names(v) {
			l.section(join(path, name), v.MapIndex(reflect.ValueOf(name)), from)
		}
	case reflect.Slice:
		for i := range v.Len() {
			l.section(index(path, i), v.Index(i), from)
		}
	case reflect.Struct:
		l.structure(path, v, from)
	}
}

func (l *list) structure(path string, v reflect.Value, from origins) {
	if readsText(v.Type()) {
		return
	}
	if room, ok := v.Interface().(validator); ok {
		l.addUnder(path, room.Validate(), from)
	}
	for _, f := range fieldsOf(v.Type()) {
		l.section(join(path, f.key), v.FieldByIndex(f.index), from)
	}
}
