package emulator

import (
	"net"
	"net/http"
	"strings"

	"betimes/internal/lab/emulator/control"
	"betimes/internal/lab/emulator/form"
	"betimes/internal/lab/emulator/inference"
	"betimes/internal/lab/emulator/logs"
	"betimes/internal/lab/emulator/metrics"
	"betimes/internal/lab/emulator/objects"
	"betimes/internal/lab/emulator/queues"
	"betimes/internal/lab/emulator/reply"
	"betimes/internal/lab/emulator/scaling"
	"betimes/internal/lab/emulator/tokens"
	"betimes/internal/lab/emulator/topics"
	"betimes/internal/listen"
)

// The services, as credential scopes name them.
const (
	sageMaker = "sagemaker"
	storage   = "s3"
	identity  = "sts"
	roles     = "iam"
	images    = "ecr"
	watching  = "monitoring"
	messages  = "sqs"
	notices   = "sns"
	scales    = "application-autoscaling"
	logging   = "logs"
	own       = "_emu"
	unknown   = "unknown"
)

// handler routes each request to its service.
func (e *Emulator) handler() http.Handler {
	admin := e.admin()
	local := listen.IsLoopback(e.Addr())
	crossing := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-Amzn-Requestid"] = []string{reply.ID()}
		if local && !localHost(r.Host) || crossing.Check(r) != nil {
			http.Error(w, "this emulator runs programs for its callers: a page of another site is not one of them", http.StatusForbidden)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/_emu/") {
			admin.ServeHTTP(w, r)
			return
		}
		signed := credentialOf(r)
		service := serviceOf(signed.service, r)
		e.counters.request(service)
		if e.verifier != nil && !e.admitted(service, w, r) {
			return
		}
		at := signed.place()
		if service == notices && signed == (credential{}) {
			at = linked(r)
		}
		s, err := e.site(at)
		if err != nil {
			e.nowhere(service, at, err, w, r)
			return
		}
		s.serve(service, w, r)
	})
}

// operations are what is built, by service as clients name them.
func (e *Emulator) operations() map[string][]string {
	s := e.sites.at(home)
	all := tokens.Operations()
	all[sageMaker] = s.control.Operations()
	all["sagemaker-runtime"] = inference.Operations()
	all[storage] = objects.Operations()
	all["cloudwatch"] = s.watch.Operations()
	all[scales] = s.scaling.Operations()
	all[logging] = logs.Operations()
	all[messages] = s.queues.Operations()
	all[notices] = s.topics.Operations()
	return all
}

func (s *site) serve(service string, w http.ResponseWriter, r *http.Request) {
	switch service {
	case sageMaker:
		if strings.HasPrefix(r.URL.Path, "/endpoints/") {
			s.inference.ServeHTTP(w, r)
			return
		}
		s.control.ServeHTTP(w, r)
	case storage:
		s.storage.ServeHTTP(w, r)
	case identity, roles, images:
		s.tokens.ServeHTTP(w, r)
	case scales:
		s.scaling.ServeHTTP(w, r)
	case logging:
		s.logs.ServeHTTP(w, r)
	case messages:
		s.queues.ServeHTTP(w, r)
	case notices:
		s.topics.ServeHTTP(w, r)
	case watching:
		s.watch.ServeHTTP(w, r)
	default:
		reply.UnknownOperation(r.Header.Get("X-Amz-Target")).Write(w)
	}
}

// serviceOf finds the service: by the signature's scope, else by the form of the request.
func serviceOf(scope string, r *http.Request) string {
	switch scope {
	case sageMaker, storage, identity, roles, images, watching, scales, logging, messages, notices:
		return scope
	case "":
		return unsigned(r)
	}
	return unknown
}

// unsigned is for curl: what carries no signature is known by its form.
func unsigned(r *http.Request) string {
	target := r.Header.Get("X-Amz-Target")
	switch {
	case strings.HasPrefix(target, control.TargetPrefix):
		return sageMaker
	case strings.HasPrefix(target, metrics.TargetPrefix), strings.HasPrefix(r.URL.Path, metrics.PathPrefix):
		return watching
	case strings.HasPrefix(target, scaling.TargetPrefix):
		return scales
	case strings.HasPrefix(target, logs.TargetPrefix):
		return logging
	case strings.HasPrefix(target, queues.TargetPrefix):
		return messages
	case strings.HasPrefix(target, tokens.TargetPrefix):
		return images
	case target != "":
		return unknown
	}
	if _, _, ok := inference.EndpointOf(r.URL.Path); ok && r.Method == http.MethodPost {
		return sageMaker
	}
	if r.URL.Path == "/" {
		return queried(r)
	}
	return storage
}

// queried finds the service of an unsigned form by its version; a GET without one is S3's.
func queried(r *http.Request) string {
	f := form.Form{}
	switch r.Method {
	case http.MethodPost:
		f = form.Peek(r)
	case http.MethodGet: // links of notifications
		f, _ = form.Parse(r.URL.RawQuery) // else it is no form
	}
	switch f["Version"] {
	case topics.Version:
		return notices
	case queues.Version:
		return messages
	case metrics.Version:
		return watching
	case tokens.RolesVersion:
		return roles
	}
	if r.Method == http.MethodPost {
		return identity
	}
	return storage
}

// localHost refuses names that a hostile site has let point to this machine.
func localHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	name = strings.Trim(name, "[]")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}
