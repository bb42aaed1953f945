// Package dashboard shows the pipeline to people: a JSON API, a page that is
// embedded in the program, and the same things as text for a terminal.
//
// Upstream: a Source (pulses) and a Finder (topics), which app hands in.
// Downstream: browsers, the commands explain, why and top.
//
// Invariants: everything the page shows is in the API; the page has no inline
// script or style and loads nothing from elsewhere; nothing here changes
// anything; keys and payloads are shown only as far as privacy.show allows.
package dashboard
