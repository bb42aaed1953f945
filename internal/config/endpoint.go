package config

import (
	"strconv"
	"strings"

	"betimes/internal/flow/balance"
	"betimes/internal/oip"
	"betimes/internal/rest"
	"betimes/internal/sagemaker"
)

// EndpointConfig is one of several endpoints of a model.
type EndpointConfig struct {
	Name      string            `yaml:"name" doc:"Name of the endpoint in metrics, answers and logs. Default: that of the SageMaker endpoint and its variant, else the model's with a number."`
	SageMaker *sagemaker.Config `yaml:"sagemaker" doc:"A SageMaker endpoint. Exactly one of sagemaker, oip and rest."`
	OIP       *oip.Config       `yaml:"oip" doc:"A server of the Open Inference Protocol v2. Exactly one of sagemaker, oip and rest."`
	REST      *rest.Config      `yaml:"rest" doc:"A plain HTTP model server. Exactly one of sagemaker, oip and rest."`
	Zone      string            `yaml:"zone" doc:"Zone that it is in; see flow.balance.zone."`
	Weight    float64           `yaml:"weight" doc:"Calls that it takes where an endpoint of weight 1 takes one; between endpoints that are about as fast."`
	Priority  int               `yaml:"priority" doc:"Endpoints of the lowest number are asked; those of the next only while none before does its work and has a free slot."`
	Cost      float64           `yaml:"cost" doc:"What a call costs, in any unit that all endpoints of the model share: the cheapest is asked that surely answers in time, and the fastest when none does."`
}

// defaultEndpoint is like any other.
func defaultEndpoint() EndpointConfig { return EndpointConfig{Weight: 1} }

// alone is the model's only endpoint as one of several.
func (m ModelConfig) alone() EndpointConfig {
	return EndpointConfig{SageMaker: m.SageMaker, OIP: m.OIP, REST: m.REST, Weight: 1}
}

// Ways are the endpoints of a model: one, or several.
func (m ModelConfig) Ways() []EndpointConfig {
	if m.Endpoints != nil {
		return m.Endpoints
	}
	return []EndpointConfig{m.alone()}
}

// doors are the keys that say where the endpoint answers.
func (e EndpointConfig) doors() []string {
	var all []string
	for _, door := range []struct {
		key string
		set bool
	}{{"sagemaker", e.SageMaker != nil}, {"oip", e.OIP != nil}, {"rest", e.REST != nil}} {
		if door.set {
			all = append(all, door.key)
		}
	}
	return all
}

// oneByOne says that its calls are about one event each.
func (e EndpointConfig) oneByOne() bool {
	at := e.SageMaker
	return e.async() || at != nil && (at.Session != "" || at.Stream)
}

// async says that requests wait there, and answers come by S3.
func (e EndpointConfig) async() bool { return e.SageMaker != nil && e.SageMaker.Async != nil }

func (e EndpointConfig) embedded() bool {
	return e.SageMaker != nil && e.SageMaker.Embedded != nil && *e.SageMaker.Embedded
}

// Preference is what the file says of it among the others.
func (e EndpointConfig) Preference() balance.Preference {
	return balance.Preference{Zone: e.Zone, Weight: e.Weight, Priority: e.Priority, Cost: e.Cost}
}

// way is the path of the number-th endpoint of a model.
func (m ModelConfig) way(path string, number int) string {
	if m.Endpoints == nil {
		return path
	}
	return index(path+".endpoints", number)
}

// named gives an endpoint the name that it has by itself.
func (s settler) named(model string, e *EndpointConfig, number int) {
	if e.Name != "" {
		return
	}
	if e.Name = model + "-" + strconv.Itoa(number+1); e.SageMaker != nil {
		e.Name = e.SageMaker.Endpoint
		if v := e.SageMaker.Variant; v != "" {
			e.Name += "/" + v
		}
	}
	s.because(index("models."+model+".endpoints", number)+".name", "its place in the list")
}

// endpoints checks the list of a model.
func (c checker) endpoints(path string, m ModelConfig) {
	list := path + ".endpoints"
	if n := len(m.Endpoints); n == 0 || n > balance.MaxEndpoints {
		c.bad(list, "there are %d; write 1 to %d", n, balance.MaxEndpoints)
	}
	if m.Train != nil || m.Serve != nil {
		c.bad(list, "what is trained or served here has one endpoint; write sagemaker: in its place, or remove train and serve")
	}
	seen := map[string]string{}
	for i, e := range m.Endpoints {
		at := index(list, i)
		c.oneOfSeveral(at, e)
		if other, twice := seen[e.Name]; twice && e.Name != "" {
			c.bad(at+".name", "%s is the name of %s too; give each its own", shorten(e.Name), other)
		}
		seen[e.Name] = at
	}
}

// notCreated refuses what says how an endpoint is to be made: those of a list are there.
func (c checker) notCreated(at string, e sagemaker.Config) {
	usual := sagemaker.DefaultConfig()
	for key, changed := range map[string]bool{"instances": e.Instances != usual.Instances, "instance_type": e.InstanceType != usual.InstanceType} {
		if changed {
			c.bad(at+"."+key, "it has no effect: endpoints of a list are used as they are; remove it, or write sagemaker: in the place of endpoints, and train or serve")
		}
	}
}

func (c checker) oneOfSeveral(at string, e EndpointConfig) {
	switch doors := e.doors(); {
	case len(doors) == 0:
		c.bad(at, "it does not say where it answers; write sagemaker: {endpoint: NAME}, oip: {url: URL, model: NAME} or rest: {url: URL}")
	case len(doors) > 1:
		c.bad(at, "it has %s; make two entries of them", strings.Join(doors, " and "))
	case e.embedded():
		c.bad(at+".sagemaker.embedded", "the endpoint inside this process is the only one of its model; write its url, or sagemaker: in the place of endpoints")
	}
	if e.SageMaker != nil {
		c.notCreated(at+".sagemaker", *e.SageMaker)
	}
	for _, number := range []struct {
		key   string
		value float64
		right bool
		why   string
	}{{"weight", e.Weight, e.Weight >= 0.01 && e.Weight <= 100, "not from 0.01 to 100"}, {"cost", e.Cost, e.Cost >= 0, "less than 0"}} {
		if !number.right {
			c.bad(at+"."+number.key, "%v is %s; write for example 1", number.value, number.why)
		}
	}
}
