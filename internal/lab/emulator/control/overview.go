package control

import "fmt"

// EndpointLine is one endpoint as the status page shows it; the load is filled in there.
type EndpointLine struct {
	Name, Place, Status, Config string // Place: ACCOUNT, REGION
	InFlight, Limit             int64
}

// JobLine is one training job as the status page shows it.
type JobLine struct {
	Name, Place, Status, Secondary string
}

// Overview is what the status page shows, by name.
func (s *Service) Overview() ([]EndpointLine, []JobLine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	endpoints, jobs, place := []EndpointLine{}, []JobLine{}, s.Account+", "+s.Region
	for _, name := range s.endpoints.names() {
		e := s.endpoints.all[name]
		endpoints = append(endpoints, EndpointLine{Name: e.Name, Place: place, Status: e.Status, Config: e.traffic()})
	}
	for _, name := range s.jobs.names() {
		j := s.jobs.all[name]
		jobs = append(jobs, JobLine{j.Name, place, j.Status, j.Secondary})
	}
	return endpoints, jobs
}

// traffic is the config in service, and how much of the traffic another has.
func (e *endpoint) traffic() string {
	if f := e.front; f != nil {
		return fmt.Sprintf("%s, %.0f %% on %s", e.Config, 100*f.share, f.config)
	}
	return e.Config
}
