package config

import (
	"encoding/json"
	"reflect"
)

// variablePattern is what a number may be instead: ${VAR}.
const variablePattern = `^\$\{[A-Za-z_][A-Za-z0-9_]*(:-.*)?\}$`

// Schema is the JSON Schema of the file, for editors. It knows keys and types;
// Load knows more.
func Schema() ([]byte, error) {
	root := schemaOf(reflect.TypeFor[Config]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "betimes configuration"
	root["type"] = "object"
	return json.MarshalIndent(root, "", "  ")
}

type schema = map[string]any

// schemaOf allows null everywhere: it removes a key of an extended file.
func schemaOf(t reflect.Type) schema {
	if s := textSchema(t); s != nil {
		return s
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Struct:
		return structSchema(t)
	case reflect.Map:
		return schema{"type": []string{"object", "null"}, "additionalProperties": entrySchema(t.Elem())}
	case reflect.Slice:
		return schema{"type": []string{"array", "null"}, "items": schemaOf(t.Elem())}
	case reflect.Bool:
		return schema{"type": []string{"boolean", "string", "null"}, "pattern": variablePattern}
	case reflect.Float64:
		return schema{"type": []string{"number", "string", "null"}, "pattern": variablePattern}
	case reflect.String:
		return schema{"type": []string{"string", "number", "null"}}
	}
	return schema{"type": []string{"integer", "string", "null"}, "pattern": variablePattern}
}

// entrySchema is that of a map's values: texts there may look like anything.
func entrySchema(t reflect.Type) schema {
	if t.Kind() == reflect.String {
		return schema{"type": []string{"string", "number", "boolean", "null"}}
	}
	return schemaOf(t)
}

// durationPattern is 250ms, 1m30s, 1d12h or 30d.
const durationPattern = `^(\d+d)?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$|^\d+d$|^0$|\$\{.*\}`

// textSchema is that of values that are read from text, or nil.
func textSchema(t reflect.Type) schema {
	switch {
	case t == durationType:
		return schema{"type": []string{"string", "null"}, "pattern": durationPattern}
	case !readsText(t):
		return nil
	case textTypeName(t) == "duration or auto":
		return schema{"type": []string{"string", "null"}, "pattern": "^auto$|" + durationPattern}
	}
	return schema{"type": []string{"string", "number", "null"}}
}

func structSchema(t reflect.Type) schema {
	properties := schema{}
	defaults := initial(t)
	if t == reflect.TypeFor[Config]() {
		defaults = reflect.ValueOf(Default())
	}
	for _, f := range fieldsOf(t) {
		s := schemaOf(f.typ)
		s["description"] = f.doc
		value := defaults.FieldByIndex(f.index)
		if inner, _ := section("", f.typ); inner == nil && !follows(value) {
			s["description"] = f.doc + " Default: " + show(value) + "."
		}
		properties[f.key] = s
	}
	all := schema{"type": []string{"object", "null"}, "additionalProperties": false, "properties": properties}
	if canBeOff(t) { // a pattern is for texts only, properties for objects only
		all["type"], all["pattern"] = []string{"object", "string", "null"}, "^off$"
	}
	return all
}
