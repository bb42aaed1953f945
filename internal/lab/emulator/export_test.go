package emulator

import "net/http"

// Handler is what Run serves.
func (e *Emulator) Handler() http.Handler { return e.handler() }

// Paths are the patterns of /_emu/.
func (e *Emulator) Paths() []string {
	var all []string
	for _, r := range e.routes() {
		all = append(all, r.pattern)
	}
	return all
}

// Variables are what every program is given.
func (e *Emulator) Variables() map[string]string { return e.variables(home) }

// The requests of /_emu/.
type (
	AdvanceRequest = advanceRequest
	LimitRequest   = limitRequest
)
