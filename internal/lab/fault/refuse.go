package fault

import (
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// refusal makes the answer that refuses a request with an error code: it names
// what the request names, and has the code in every place for one. nil when the
// request cannot be read.
func refusal(r *request, code int16) []byte {
	decoded, resp := r.decode(), r.answerTo()
	if decoded == nil || resp == nil {
		return nil
	}
	fill(reflect.ValueOf(resp).Elem(), reflect.ValueOf(decoded).Elem(), code)
	if found, ok := resp.(*kmsg.FindCoordinatorResponse); ok {
		for _, key := range decoded.(*kmsg.FindCoordinatorRequest).CoordinatorKeys {
			c := kmsg.NewFindCoordinatorResponseCoordinator()
			c.Key, c.NodeID, c.Port, c.ErrorCode = key, -1, -1, code
			found.Coordinators = append(found.Coordinators, c)
		}
	}
	resp.SetVersion(r.version)
	return answerFrame(r.correlation, resp)
}

// fill copies into answer what it has in common with what was asked: topics,
// partitions, groups, names. Every ErrorCode is set.
func fill(answer, asked reflect.Value, code int16) {
	if d, ok := answer.Addr().Interface().(interface{ Default() }); ok {
		d.Default()
	}
	for i := range answer.NumField() {
		name, to := answer.Type().Field(i).Name, answer.Field(i)
		if name == "ErrorCode" {
			to.SetInt(int64(code))
			continue
		}
		if asked.Kind() != reflect.Struct { // one name or number, of which the answer makes more
			if to.Type() == asked.Type() && to.IsZero() && name != "Version" {
				to.Set(asked)
				asked = reflect.ValueOf(struct{}{})
			}
			continue
		}
		from := asked.FieldByName(name)
		switch {
		case !from.IsValid() || name == "UnknownTags":
		case to.Kind() == reflect.Slice && from.Kind() == reflect.Slice && to.Type().Elem().Kind() == reflect.Struct:
			fillAll(to, from, code)
		case to.Type() == from.Type():
			to.Set(from)
		}
	}
}

func fillAll(to, from reflect.Value, code int16) {
	to.Set(reflect.MakeSlice(to.Type(), from.Len(), from.Len()))
	for i := range from.Len() {
		fill(to.Index(i), from.Index(i), code)
	}
}
