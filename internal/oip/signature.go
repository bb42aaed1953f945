package oip

import (
	"fmt"
	"slices"
	"strings"
)

// spec is one input or output as the model's metadata has it.
type spec struct {
	name     string
	datatype datatype
	shape    []int64 // -1: any length
}

// String gives the input as a message names it: x (FP32 [-1 4]).
func (s spec) String() string { return fmt.Sprintf("%s (%s %v)", s.name, s.datatype, s.shape) }

// batched says whether the first dimension is that of the batch.
func (s spec) batched() bool { return len(s.shape) > 0 && s.shape[0] == -1 }

// each is the shape of one event's value.
func (s spec) each() []int64 {
	if s.batched() {
		return s.shape[1:]
	}
	return s.shape
}

// signature is what a model takes and gives.
type signature struct {
	inputs  []spec
	outputs []string // names; empty: not told
	binary  bool     // tensors travel as bytes
}

// configured puts the inputs of the configuration in the place of those told.
func (s *signature) configured(inputs []InputConfig) error {
	if len(inputs) == 0 {
		return nil
	}
	s.inputs = make([]spec, len(inputs))
	for i, in := range inputs {
		d, err := datatypeOf(in.Datatype)
		if err != nil {
			return fmt.Errorf("inputs[%d].datatype: %w", i, err)
		}
		s.inputs[i] = spec{in.Name, d, in.Shape}
	}
	return nil
}

// fits compares flow.feature.fields, one number each, with the inputs: one that
// takes them all, or one for each by name.
func (s *signature) fits(fields []string) error {
	switch {
	case len(fields) == 0:
		return nil
	case len(s.inputs) == 0:
		return errUntold
	case len(s.inputs) > 1:
		return s.fitsByName(fields)
	}
	in := s.inputs[0]
	if in.datatype == typeBytes {
		return fmt.Errorf("flow.feature.fields: they are numbers, and the model's input %s takes texts; use flow.feature.request", in)
	}
	if _, err := shapeOf(in, int64(len(fields)), nil); err != nil {
		return fmt.Errorf("flow.feature.fields: it names %d fields, and the model's input %s takes %s; make them agree", len(fields), in, wanted(in))
	}
	return nil
}

var errUntold = fmt.Errorf("the server tells no inputs of this model; write inputs: [{name: x, datatype: FP32, shape: [-1, 4]}], or make whole inputs with flow.feature.request")

func (s *signature) fitsByName(fields []string) error {
	var missing, unused []string
	for _, in := range s.inputs {
		if !slices.Contains(fields, in.name) {
			missing = append(missing, in.name)
		} else if _, err := shapeOf(in, 1, nil); err != nil {
			return fmt.Errorf("flow.feature.fields: the model's input %s takes more than the one number of a field; use flow.feature.request", in)
		}
	}
	for _, f := range fields {
		if !slices.ContainsFunc(s.inputs, func(in spec) bool { return in.name == f }) {
			unused = append(unused, f)
		}
	}
	if len(missing)+len(unused) == 0 {
		return nil
	}
	return fmt.Errorf("flow.feature.fields: the model has an input of its own for each field; it has %s, and %s; make them agree, or use flow.feature.request",
		s.listed(), strings.Join(slices.DeleteFunc([]string{listed("the fields lack ", missing), listed("it has none for ", unused)}, isEmpty), " and "))
}

func isEmpty(s string) bool { return s == "" }

func listed(before string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return before + strings.Join(names, ", ")
}

// listed gives all inputs for a message.
func (s *signature) listed() string {
	all := make([]string, len(s.inputs))
	for i, in := range s.inputs {
		all[i] = in.String()
	}
	return strings.Join(all, ", ")
}

// wanted says how many elements one event has in an input.
func wanted(in spec) string {
	if n, err := count(in.each()); err == nil {
		return fmt.Sprintf("%d", n)
	}
	return fmt.Sprintf("a shape of %v", in.each())
}

// shapeOf is the shape of a tensor that holds n elements of one event, nested as
// dims says (nil or one dimension: flat).
func shapeOf(in spec, n int64, dims []int64) ([]int64, error) {
	want := in.each()
	shape := make([]int64, 0, len(want)+1)
	if in.batched() {
		shape = append(shape, 1)
	}
	if len(dims) > 1 {
		if len(dims) == len(want)+1 && dims[0] == 1 {
			dims = dims[1:] // the event wrote the batch too
		}
		if !within(dims, want) {
			return nil, misfit(in, n, dims)
		}
		return append(shape, dims...), nil
	}
	open, known := -1, int64(1)
	for i, d := range want {
		switch {
		case d != -1:
			known *= d
		case open != -1:
			return nil, fmt.Errorf("input %s has several dimensions of any length; write nested lists", in)
		default:
			open = i
		}
	}
	if open == -1 && n != known || open != -1 && n%known != 0 {
		return nil, misfit(in, n, dims)
	}
	shape = append(shape, want...)
	if open != -1 {
		shape[len(shape)-len(want)+open] = n / known
	}
	return shape, nil
}

// within says whether lengths are what a shape allows.
func within(dims, want []int64) bool {
	return slices.EqualFunc(dims, want, func(d, w int64) bool { return d == w || w == -1 })
}

func misfit(in spec, n int64, dims []int64) error {
	if len(dims) > 1 {
		return fmt.Errorf("input %s takes %s per event, and the request has %v", in, wanted(in), dims)
	}
	return fmt.Errorf("input %s takes %s per event, and the request has %d", in, wanted(in), n)
}
