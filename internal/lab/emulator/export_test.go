package emulator

import "net/http"

// Handler is what Run serves.
func (e *Emulator) Handler() http.Handler { return e.handler() }
