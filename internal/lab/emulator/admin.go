package emulator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"betimes/internal/lab/emulator/injection"
	"betimes/internal/listen"
)

// route is one path of /_emu/, as docs/emulator.md has it.
type route struct {
	pattern string
	serve   http.HandlerFunc
}

func (e *Emulator) routes() []route {
	return []route{
		{"GET /_emu/{$}", e.page},
		{"GET /_emu/state", e.told(func() any { return e.state() })},
		{"GET /_emu/journal", e.readJournal},
		{"GET /_emu/operations", e.told(func() any { return e.operations() })},
		{"POST /_emu/clock/advance", e.advance},
		{"GET /_emu/faults", e.told(func() any { return e.faults.List() })},
		{"POST /_emu/faults", e.addFault},
		{"DELETE /_emu/faults", e.clearFaults},
		{"DELETE /_emu/faults/{id}", e.removeFault},
		{"PUT /_emu/limits", e.limit},
		{"POST /_emu/reset", e.reset},
	}
}

// admin answers /_emu/.
func (e *Emulator) admin() http.Handler {
	mux := http.NewServeMux()
	var paths []string
	for _, r := range e.routes() {
		mux.HandleFunc(r.pattern, r.serve)
		paths = append(paths, strings.TrimSuffix(r.pattern, "{$}"))
	}
	mux.HandleFunc("/_emu/", func(w http.ResponseWriter, r *http.Request) {
		listen.NewProblem(http.StatusNotFound, "no_path", "There is no such path", r.Method+" "+r.URL.Path+" is none of "+strings.Join(paths, ", ")).Write(w)
	})
	return mux
}

// told answers with what of gives.
func (e *Emulator) told(of func() any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { answer(w, of()) }
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the caller may have gone
}

// maxAdminBytes is more than any request of /_emu/.
const maxAdminBytes = 1 << 20

// read takes a request's JSON; unknown members are refused.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAdminBytes))
	in.DisallowUnknownFields()
	if err := in.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		refuse(w, "not_json", err)
		return false
	}
	return true
}

func refuse(w http.ResponseWriter, code string, err error) {
	listen.NewProblem(http.StatusBadRequest, code, "This cannot be done", err.Error()).Write(w)
}

// advanceTime is how long an advance may work, advanceMost how far it goes: every
// evaluation on the way is made.
const (
	advanceTime = time.Minute
	advanceMost = 31 * 24 * time.Hour
)

type advanceRequest struct {
	By injection.Duration `json:"by"`
}

func (e *Emulator) advance(w http.ResponseWriter, r *http.Request) {
	var request advanceRequest
	if !read(w, r, &request) {
		return
	}
	if by := time.Duration(request.By); by > advanceMost {
		refuse(w, "bad_advance", fmt.Errorf("by: %s is more than %s; advance in several steps", by, advanceMost))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), advanceTime)
	defer cancel()
	now, err := e.clock.Advance(ctx, time.Duration(request.By))
	if err != nil {
		refuse(w, "not_settled", err)
		return
	}
	answer(w, map[string]string{"now": now.UTC().Format(time.RFC3339Nano)})
}

func (e *Emulator) addFault(w http.ResponseWriter, r *http.Request) {
	var fault injection.Fault
	if !read(w, r, &fault) {
		return
	}
	if err := e.faults.Add(&fault); err != nil {
		refuse(w, "bad_fault", err)
		return
	}
	answer(w, map[string]string{"id": fault.ID})
}

func (e *Emulator) clearFaults(w http.ResponseWriter, _ *http.Request) {
	e.faults.Clear()
	w.WriteHeader(http.StatusNoContent)
}

func (e *Emulator) removeFault(w http.ResponseWriter, r *http.Request) {
	if !e.faults.Remove(r.PathValue("id")) {
		listen.NewProblem(http.StatusNotFound, "no_fault", "There is no such fault", "no fault has the id "+r.PathValue("id")).Write(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

type limitRequest struct {
	Endpoint    string `json:"endpoint"`
	Concurrency int64  `json:"concurrency"`
	Region      string `json:"region"`
	Account     string `json:"account"`
}

func (e *Emulator) limit(w http.ResponseWriter, r *http.Request) {
	var request limitRequest
	if !read(w, r, &request) {
		return
	}
	if request.Endpoint == "" || request.Concurrency < 0 {
		refuse(w, "bad_limit", errors.New(`give "endpoint" and a "concurrency" from 1, or 0 for no limit`))
		return
	}
	at := place{cmp.Or(request.Account, home.account), cmp.Or(request.Region, home.region)}
	s := e.sites.at(at)
	if s == nil {
		refuse(w, "bad_limit", fmt.Errorf("nothing was made in account %s and region %s yet", at.account, at.region))
		return
	}
	s.inference.Limit(request.Endpoint, request.Concurrency)
	w.WriteHeader(http.StatusNoContent)
}

func (e *Emulator) readJournal(w http.ResponseWriter, r *http.Request) {
	since := uint64(0)
	if text := r.URL.Query().Get("since"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			refuse(w, "bad_since", errors.New("since is the seq of the last entry you have"))
			return
		}
		since = n
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	_ = e.journal.Since(w, since) // the caller may have gone
}

// state is what home holds, what all share, and each other place under its name.
func (e *Emulator) state() map[string]any {
	state := e.sites.at(home).state()
	places := map[string]any{}
	for _, s := range e.sites.list()[1:] {
		places[s.String()] = s.state()
	}
	state["places"] = places
	state["seed"] = e.seed
	state["now"] = e.clock.Now().UTC()
	state["buckets"] = e.buckets.Summary()
	state["faults"] = e.faults.List()
	return state
}

func (e *Emulator) reset(w http.ResponseWriter, _ *http.Request) {
	e.faults.Clear()
	if err := errors.Join(e.resetSites(), e.buckets.Clear()); err != nil {
		listen.NewProblem(http.StatusInternalServerError, "not_reset", "Not everything could be removed", err.Error()).Write(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
