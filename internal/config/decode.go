package config

import (
	"encoding"
	"reflect"
	"slices"
	"strings"
	"time"

	"betimes/internal/flow/balance"
	"betimes/internal/kafka"
	"betimes/internal/kafka/registry"
	"betimes/internal/lab/emulator"
	"betimes/internal/oip"
	"betimes/internal/rest"
	"betimes/internal/sagemaker"
	"betimes/internal/setting"
	"betimes/internal/steer/rollout"
)

// decoder writes a tree into a Config and notes what does not fit, and where
// every value came from.
type decoder struct {
	*list
	origins origins
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[setting.Secret]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// readsText says whether a type reads itself from text.
func readsText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textType) }

// value writes n to v; what cannot be read leaves v as it is.
func (d *decoder) value(path string, n *node, v reflect.Value) {
	if n.kind == absent {
		return
	}
	d.origins[path] = n.from
	switch t := v.Type(); {
	case t.Kind() == reflect.Pointer:
		d.pointer(path, n, v)
	case t == durationType || readsText(t):
		d.scalar(path, n, v)
	case t.Kind() == reflect.Struct:
		d.fields(path, n, v)
	case t.Kind() == reflect.Map:
		d.dict(path, n, v)
	case t.Kind() == reflect.Slice:
		d.elements(path, n, v)
	default:
		d.scalar(path, n, v)
	}
}

func (d *decoder) pointer(path string, n *node, v reflect.Value) {
	t := v.Type().Elem()
	if n.kind == scalar && n.text == "off" && canBeOff(t) {
		v.SetZero()
		return
	}
	made := reflect.New(t)
	made.Elem().Set(initial(t))
	d.value(path, n, made.Elem())
	if inner, _ := section(path, t); inner == nil || n.kind == mapping {
		v.Set(made)
	}
}

// canBeOff says that a section is a part that off leaves out.
func canBeOff(t reflect.Type) bool { return t == reflect.TypeFor[balance.HedgeConfig]() }

// initial is what an optional section holds before its keys are read.
func initial(t reflect.Type) reflect.Value {
	switch t {
	case reflect.TypeFor[kafka.EmbeddedConfig]():
		return reflect.ValueOf(kafka.DefaultEmbedded())
	case reflect.TypeFor[registry.Config]():
		return reflect.ValueOf(registry.DefaultConfig())
	case reflect.TypeFor[sagemaker.Config]():
		return reflect.ValueOf(sagemaker.DefaultConfig())
	case reflect.TypeFor[sagemaker.AsyncConfig]():
		return reflect.ValueOf(sagemaker.DefaultAsync())
	case reflect.TypeFor[oip.Config]():
		return reflect.ValueOf(oip.DefaultConfig())
	case reflect.TypeFor[rest.Config]():
		return reflect.ValueOf(rest.DefaultConfig())
	case reflect.TypeFor[rollout.TrainConfig]():
		return reflect.ValueOf(rollout.DefaultTrainConfig())
	case reflect.TypeFor[emulator.Config]():
		return reflect.ValueOf(emulator.DefaultConfig())
	case reflect.TypeFor[balance.HedgeConfig]():
		return reflect.ValueOf(balance.DefaultHedge())
	case reflect.TypeFor[EndpointConfig]():
		return reflect.ValueOf(defaultEndpoint())
	case reflect.TypeFor[ModelConfig]():
		return reflect.ValueOf(defaultModel())
	}
	return reflect.Zero(t)
}

func (d *decoder) fields(path string, n *node, v reflect.Value) {
	if n.kind != mapping {
		d.add(n.from, path, "%s is here, but it has keys of its own: %s", n.describe(v.Type()), strings.Join(keysOf(v.Type()), ", "))
		return
	}
	fields := fieldsOf(v.Type())
	for _, e := range n.entries {
		at := slices.IndexFunc(fields, func(f field) bool { return f.key == e.key })
		if at < 0 {
			d.unknown(path, e, v.Type())
			continue
		}
		d.value(join(path, e.key), e.value, v.FieldByIndex(fields[at].index))
	}
}

func (d *decoder) dict(path string, n *node, v reflect.Value) {
	if n.kind != mapping {
		d.add(n.from, path, "%s is here, but names with values are wanted; write name: value", n.describe(v.Type()))
		return
	}
	made := reflect.MakeMap(v.Type())
	for _, e := range n.entries {
		value := reflect.New(v.Type().Elem()).Elem()
		value.Set(initial(v.Type().Elem()))
		d.value(join(path, e.key), e.value, value)
		if e.value.kind != absent {
			made.SetMapIndex(reflect.ValueOf(e.key), value)
		}
	}
	v.Set(made)
}

func (d *decoder) elements(path string, n *node, v reflect.Value) {
	if n.kind != sequence {
		d.add(n.from, path, "%s is here, but a list is wanted; write [a, b]", n.describe(v.Type()))
		return
	}
	made := reflect.MakeSlice(v.Type(), len(n.elements), len(n.elements))
	for i, element := range n.elements {
		if element.kind == absent {
			d.add(element.from, index(path, i), "nothing is here; write a value or remove the entry")
			continue
		}
		made.Index(i).Set(initial(v.Type().Elem()))
		d.value(index(path, i), element, made.Index(i))
	}
	v.Set(made)
}

// describe names what stands in the place of a section of type t, short enough
// for an error text and without what may be a secret.
func (n *node) describe(t reflect.Type) string {
	if n.kind != scalar || holdsSecret(t) {
		return n.kind.String()
	}
	return shorten(n.text)
}

// holdsSecret says whether a secret stands at or below a key of type t.
func holdsSecret(t reflect.Type) bool {
	switch {
	case t == secretType:
		return true
	case t.Kind() == reflect.Pointer, t.Kind() == reflect.Slice, t.Kind() == reflect.Map:
		return holdsSecret(t.Elem())
	case t.Kind() != reflect.Struct:
		return false
	}
	return slices.ContainsFunc(fieldsOf(t), func(f field) bool { return holdsSecret(f.typ) })
}
