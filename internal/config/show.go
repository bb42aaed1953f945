package config

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"betimes/internal/setting"
)

// show writes a value as a file would; secrets as [secret] or where they are read from.
func show(v reflect.Value) string {
	switch t := v.Type(); {
	case t == durationType:
		return formatDuration(time.Duration(v.Int()))
	case t == secretType:
		return showSecret(v.Interface().(setting.Secret))
	case readsText(t):
		return showText(v)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return ""
		}
		return show(v.Elem())
	case reflect.Slice:
		return showList(v)
	case reflect.Map:
		return showMap(v)
	case reflect.String:
		return showString(v.String())
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case reflect.Struct:
		return showStruct(v)
	}
	return fmt.Sprint(v.Interface())
}

func showSecret(s setting.Secret) string {
	if file, ok := s.InFile(); ok {
		return "file:" + file
	}
	return s.String()
}

func showText(v reflect.Value) string {
	m, ok := v.Interface().(encoding.TextMarshaler)
	if !ok {
		return fmt.Sprint(v.Interface())
	}
	text, err := m.MarshalText()
	if err != nil {
		return fmt.Sprint(v.Interface())
	}
	return string(text)
}

// showString quotes what YAML would read as something else.
func showString(s string) string {
	if s == "" || strings.ContainsAny(s, "\"'#{}[],&*!|>%@`\n\t") || strings.Contains(s, ": ") || s != strings.TrimSpace(s) {
		return strconv.Quote(s)
	}
	return s
}

func showList(v reflect.Value) string {
	parts := make([]string, v.Len())
	for i := range parts {
		parts[i] = show(v.Index(i))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func showMap(v reflect.Value) string {
	var parts []string
	for _, name := range names(v) {
		parts = append(parts, showString(name)+": "+show(v.MapIndex(reflect.ValueOf(name))))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func showStruct(v reflect.Value) string {
	var parts []string
	for _, f := range fieldsOf(v.Type()) {
		if value := v.FieldByIndex(f.index); !value.IsZero() {
			parts = append(parts, f.key+": "+show(value))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// names are the keys of a map, sorted.
func names(v reflect.Value) []string {
	keys := make(map[string]bool, v.Len())
	for _, k := range v.MapKeys() {
		keys[k.String()] = true
	}
	return slices.Sorted(maps.Keys(keys))
}
