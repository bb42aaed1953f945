package control

// Alarms is what deployments ask CloudWatch. It is asked while the control plane
// holds its lock: an answer must not wait for the control plane.
type Alarms interface {
	// StateOf is the state of an alarm, if there is one of that name.
	StateOf(name string) (state string, known bool)
}

// Scaling is what the control plane asks Application Auto Scaling, in the same way as Alarms.
type Scaling interface {
	// Registered says whether a variant is a scalable target.
	Registered(endpoint, variant string) bool
	// Forget removes targets, policies and alarms of a deleted endpoint.
	Forget(endpoint string)
}
