package control

// EndpointLine is one endpoint as the status page shows it; the load is filled in there.
type EndpointLine struct {
	Name, Status, Config string
	InFlight, Limit      int64
}

// JobLine is one training job as the status page shows it.
type JobLine struct {
	Name, Status, Secondary string
}

// Overview is what the status page shows, by name.
func (s *Service) Overview() ([]EndpointLine, []JobLine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	endpoints, jobs := []EndpointLine{}, []JobLine{}
	for _, name := range s.endpoints.names() {
		e := s.endpoints.all[name]
		endpoints = append(endpoints, EndpointLine{Name: e.Name, Status: e.Status, Config: e.Config})
	}
	for _, name := range s.jobs.names() {
		j := s.jobs.all[name]
		jobs = append(jobs, JobLine{j.Name, j.Status, j.Secondary})
	}
	return endpoints, jobs
}
