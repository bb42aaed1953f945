package dashboard

import (
	"net/http"
	"sync"
	"time"

	"betimes/internal/listen"
	"betimes/internal/privacy"
)

// Deps are what a Dashboard works with.
type Deps struct {
	Source  Source
	Finder  Finder // nil: events cannot be looked up
	Plan    Plan
	Privacy privacy.Policy
}

// Dashboard answers the API and the page.
type Dashboard struct {
	source  Source
	finder  Finder
	plan    Plan
	privacy privacy.Policy

	mu      sync.Mutex
	cached  map[time.Duration]cachedSummary
	streams chan struct{} // one place per open stream
}

// maxStreams bounds how many pages are kept up to date at once.
const maxStreams = 64

// New makes a Dashboard.
func New(deps Deps) *Dashboard {
	return &Dashboard{
		source: deps.Source, finder: deps.Finder, plan: deps.Plan, privacy: deps.Privacy,
		cached: map[time.Duration]cachedSummary{}, streams: make(chan struct{}, maxStreams),
	}
}

// Mount hands every handler to mount with its pattern and the role it needs;
// the empty role needs no token: it is for the page, which holds no data.
func (d *Dashboard) Mount(mount func(pattern, role string, h http.Handler)) {
	for path, h := range d.routes() {
		mount("GET /api/v1/"+path, listen.RoleRead, h)
		mount("/api/v1/"+path, listen.RoleRead, http.HandlerFunc(onlyRead))
	}
	mount("/api/v1/", listen.RoleRead, http.HandlerFunc(unknown))
	mountPage(mount)
}

func (d *Dashboard) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"summary":        d.span("window", d.source.Window(), func(w time.Duration) any { return d.cachedSummary(w) }),
		"latency":        d.span("window", d.source.Window(), func(w time.Duration) any { return d.latency(w) }),
		"why":            d.span("since", 10*time.Minute, func(s time.Duration) any { return d.source.Why(s) }),
		"topology":       d.plain(func() any { return d.cachedSummary(d.source.Window()).Topology }),
		"lag":            d.plain(func() any { return d.lag() }),
		"keys":           d.plain(func() any { return list("keys", d.source.Keys()) }),
		"budget":         d.plain(func() any { return d.source.Budget() }),
		"models":         d.plain(func() any { return d.models() }),
		"endpoints":      d.plain(func() any { return list("endpoints", d.source.Endpoints()) }),
		"instances":      d.plain(func() any { return list("instances", d.source.Instances()) }),
		"changes":        d.plain(func() any { return list("changes", d.source.Changes()) }),
		"events/{id...}": d.event,
		"stream":         d.stream,
	}
}
