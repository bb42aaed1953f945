package control

import (
	"context"
	"encoding/json"
)

// Capacity is how many instances a variant has and wants.
type Capacity struct {
	Current, Desired int
	Busy             bool // the endpoint is under way: it cannot be changed now
}

// Capacity gives that of a variant in service, if there is one.
func (s *Service) Capacity(endpoint, variant string) (Capacity, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.endpoints.get(endpoint)
	if !ok {
		return Capacity{}, false
	}
	v := named(e.Variants, variant)
	if v == nil {
		return Capacity{}, false
	}
	return Capacity{v.Count, v.Desired, e.busy() || e.absent}, true
}

// Resize asks for another number of instances, as UpdateEndpointWeightsAndCapacities
// does; Capacity tells when they are there.
func (s *Service) Resize(endpoint, variant string, count int) error {
	body, err := json.Marshal(map[string]any{"EndpointName": endpoint, "DesiredWeightsAndCapacities": []map[string]any{{"VariantName": variant, "DesiredInstanceCount": count}}})
	if err != nil {
		return err
	}
	_, err = s.updateWeights(context.Background(), body)
	return err
}
