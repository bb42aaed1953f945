package metrics

// InAlarm says whether there is an alarm of that name, and whether its state is ALARM.
func (s *Service) InAlarm(name string) (exists, alarm bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.alarms[name]
	return ok, ok && a.State == Alarm
}
