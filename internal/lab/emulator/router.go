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
		service := serviceOf(r)
		e.counters.request(service)
		if e.verifier != nil && !e.admitted(service, w, r) {
			return
		}
		e.serve(service, w, r)
	})
}

// operations are what is built, by service as clients name them.
func (e *Emulator) operations() map[string][]string {
	all := tokens.Operations()
	all[sageMaker] = e.control.Operations()
	all["sagemaker-runtime"] = inference.Operations()
	all[storage] = objects.Operations()
	all["cloudwatch"] = e.watch.Operations()
	all[scales] = e.scaling.Operations()
	all[logging] = logs.Operations()
	all[messages] = e.queues.Operations()
	all[notices] = e.topics.Operations()
	return all
}

func (e *Emulator) serve(service string, w http.ResponseWriter, r *http.Request) {
	switch service {
	case sageMaker:
		if strings.HasPrefix(r.URL.Path, "/endpoints/") {
			e.inference.ServeHTTP(w, r)
			return
		}
		e.control.ServeHTTP(w, r)
	case storage:
		e.storage.ServeHTTP(w, r)
	case identity, roles, images:
		e.tokens.ServeHTTP(w, r)
	case scales:
		e.scaling.ServeHTTP(w, r)
	case logging:
		e.logs.ServeHTTP(w, r)
	case messages:
		e.queues.ServeHTTP(w, r)
	case notices:
		e.topics.ServeHTTP(w, r)
	case watching:
		e.watch.ServeHTTP(w, r)
	default:
		reply.UnknownOperation(r.Header.Get("X-Amz-Target")).Write(w)
	}
}

// serviceOf finds the service: by the signature's scope, else by the form of the request.
func serviceOf(r *http.Request) string {
	switch scope := scopeOf(r); scope {
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

// scopeOf is the service in …Credential=KEY/DATE/REGION/SERVICE/aws4_request, of the header or a presigned URL.
func scopeOf(r *http.Request) string {
	credential := ""
	if h := r.Header["Authorization"]; len(h) > 0 {
		_, after, found := strings.Cut(h[0], "Credential=")
		if !found {
			return ""
		}
		credential, _, _ = strings.Cut(after, ",")
	} else if r.URL.RawQuery != "" && strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") {
		credential = r.URL.Query().Get("X-Amz-Credential")
	}
	rest, ok := strings.CutSuffix(credential, "/aws4_request")
	if !ok {
		return ""
	}
	return rest[strings.LastIndexByte(rest, '/')+1:]
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
