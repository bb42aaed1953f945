package inference

import (
	"net/http"
	"slices"
)

// checkTargets refuses calls that do not name what the variant needs named, or name what it has not.
func (v *Variant) checkTargets(h http.Header) *refusal {
	model, container := first(h, targetModel), first(h, targetContainer)
	switch {
	case model != "" && !v.MultiModel:
		return invalid("%s is not supported by this endpoint.", targetModel)
	case model == "" && v.MultiModel:
		return invalid("This is a multi-model endpoint: say with TargetModel which model to invoke.")
	case len(model) > 1024:
		return invalid("1 validation error detected: Value at 'targetModel' failed to satisfy constraint: Member must have length less than or equal to 1024")
	case container != "" && v.Containers == nil:
		return invalid("%s is not supported by this endpoint.", targetContainer)
	case container == "" && v.Containers != nil:
		return invalid("This endpoint has several containers that are invoked directly: say with TargetContainerHostname which one.")
	case container != "" && !slices.Contains(v.Containers, container):
		return invalid("Container %s of variant %s not found.", container, v.Name)
	}
	return nil
}
