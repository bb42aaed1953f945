package control

// Alarms is what deployments ask CloudWatch. It is asked while the control plane
// holds its lock: an answer must not wait for the control plane.
type Alarms interface {
	// InAlarm says whether there is an alarm of that name, and whether its state is ALARM.
	InAlarm(name string) (exists, alarm bool)
}

// Scaling is what the control plane asks Application Auto Scaling, in the same way as Alarms.
type Scaling interface {
	// Registered says whether a variant is a scalable target.
	Registered(endpoint, variant string) bool
	// Forget removes targets, policies and alarms of a deleted endpoint.
	Forget(endpoint string)
}
