package loadgen

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"io"
	"strconv"
)

//go:embed report.html
var page string

// WriteJSON writes the report as indented JSON.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteHTML writes the report as one page that needs nothing else.
func (r *Report) WriteHTML(w io.Writer) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"short": short, "group": group,
		"percent": func(share float64) float64 { return 100 * share },
		"area":    func(auc *float64) string { return strconv.FormatFloat(*auc, 'f', 3, 64) },
		"counts":  r.shownCounts,
	}).Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, r)
}

// shown is a count as the page has it.
type shown struct {
	Name string
	N    int64
	Bad  bool
}

func (r *Report) shownCounts() []shown {
	var list []shown
	for _, c := range r.counts() {
		if c.n == 0 && !c.always {
			continue
		}
		bad := c.n > 0 && (c.name == "lost" || c.name == "duplicated" || c.name == "reordered" || c.name == "two places" || c.name == "failed")
		list = append(list, shown{c.name, c.n, bad})
	}
	return list
}
