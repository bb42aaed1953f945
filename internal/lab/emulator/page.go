package emulator

import (
	"html/template"
	"net/http"

	"betimes/internal/lab/emulator/control"
)

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>SageMaker on this machine</title>
<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="5">
<style>:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884}code{font-size:.95em}</style></head>
<body><h1>SageMaker on this machine</h1>
<p>Clients reach it with <code>AWS_ENDPOINT_URL={{.URL}}</code>. Its time is {{.Now}}.</p>
<h2>Endpoints</h2><table><tr><th>Name<th>Account, region<th>Status<th>Config<th>In flight<th>Limit</tr>
{{range .Endpoints}}<tr><td>{{.Name}}<td>{{.Place}}<td>{{.Status}}<td>{{.Config}}<td>{{.InFlight}}<td>{{if .Limit}}{{.Limit}}{{else}}none{{end}}</tr>{{else}}<tr><td colspan="6">none</tr>{{end}}</table>
<h2>Training jobs</h2><table><tr><th>Name<th>Account, region<th>Status<th>Now</tr>
{{range .Jobs}}<tr><td>{{.Name}}<td>{{.Place}}<td>{{.Status}}<td>{{.Secondary}}</tr>{{else}}<tr><td colspan="4">none</tr>{{end}}</table>
<h2>Buckets</h2><table><tr><th>Name<th>Objects</tr>{{range $name, $n := .Buckets}}<tr><td>{{$name}}<td>{{$n}}</tr>{{else}}<tr><td colspan="2">none</tr>{{end}}</table>
<h2>Faults</h2><table><tr><th>Id<th>Fault<th>Endpoint</tr>{{range .Faults}}<tr><td>{{.ID}}<td>{{.Fault}}<td>{{or .Match.Endpoint "all"}}</tr>{{else}}<tr><td colspan="3">none</tr>{{end}}</table>
<p>More: <a href="/_emu/state">state</a>, <a href="/_emu/journal">journal</a>, <a href="/_emu/faults">faults</a>, <a href="/_emu/operations">operations</a>.</p></body></html>
`))

// page shows what is held to people.
func (e *Emulator) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	var endpoints []control.EndpointLine
	var jobs []control.JobLine
	for _, s := range e.sites.list() {
		running, trained := s.control.Overview()
		load := s.inference.Load()
		for i := range running {
			l := load[running[i].Name]
			running[i].InFlight, running[i].Limit = l[0], l[1]
		}
		endpoints, jobs = append(endpoints, running...), append(jobs, trained...)
	}
	_ = page.Execute(w, map[string]any{ // the caller may have gone
		"URL": e.URL(), "Now": e.clock.Now().UTC().Format("2006-01-02 15:04:05 UTC"),
		"Endpoints": endpoints, "Jobs": jobs, "Buckets": e.buckets.Summary(), "Faults": e.faults.List(),
	})
}
