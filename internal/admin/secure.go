package admin

import (
	"net/http"

	"betimes/internal/listen"
)

// policy allows what the embedded page needs, and nothing from elsewhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// secured sets the headers of every answer.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// localOnly refuses host names that are not this machine's.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !listen.NamesLoopback(r.Host) {
			listen.NewProblem(http.StatusMisdirectedRequest, "foreign_host", "This listener answers to this machine only",
				"ask as 127.0.0.1 or localhost; to serve other names set admin.listen to an address beyond loopback").Write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// problems answers what no pattern matches as a problem instead of plain text.
func problems(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		plain := &recorder{header: http.Header{}}
		mux.ServeHTTP(plain, r)
		if plain.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", plain.header.Get("Allow"))
			listen.NewProblem(plain.status, "method_not_allowed", "This path does not take "+r.Method, "it takes "+plain.header.Get("Allow")).Write(w)
			return
		}
		listen.NewProblem(http.StatusNotFound, "not_found", "There is nothing at this path", "the listener knows /healthz, /readyz, /metrics and, under up and watch, / and /api/v1/").Write(w)
	})
}

// recorder keeps what the mux would have answered.
type recorder struct {
	header http.Header
	status int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }
