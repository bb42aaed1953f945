package main

import (
	"fmt"
	"html"
	"strings"
)

// canvas collects the parts of a picture.
type canvas struct {
	parts         strings.Builder
	width, height float64
}

// style has two sets of colours: a page's own is asked for. The ground is part of the
// picture, so that it can be read where the page has the other colours.
const style = `
.ground{fill:#fff;stroke:#dde2e9}.title{font-size:15px;font-weight:600}text{fill:#1b2430;font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
.soft{fill:#5a6675;font-size:12px}.tick{fill:#5a6675;font-size:11.5px}.strong{font-weight:600}.grid{stroke:#e6eaf0}.axis{stroke:#b9c2cf}.goal{stroke:#b3261e;stroke-dasharray:5 4}.goaltext{fill:#b3261e;font-size:12px}
.c0{--c:#2459c7}.c1{--c:#9a6512}.c2{--c:#66748a}.c3{--c:#23807a}.c4{--c:#7459c9}
.fill{fill:var(--c)}.pale{fill:var(--c);opacity:.28}.line{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}.range{stroke:var(--c);stroke-width:1.5}.dashed{stroke-dasharray:6 4}
@media(prefers-color-scheme:dark){.ground{fill:#1a2029;stroke:#2c3542}text{fill:#e4e9f0}.soft,.tick{fill:#9aa7b8}.grid{stroke:#2c3542}.axis{stroke:#4a5666}.goal{stroke:#ff8f85}.goaltext{fill:#ff8f85}
.c0{--c:#8ab0ff}.c1{--c:#dca24a}.c2{--c:#8794a8}.c3{--c:#47b8b0}.c4{--c:#a893f0}}`

func (c *canvas) add(format string, args ...any) { fmt.Fprintf(&c.parts, format+"\n", args...) }

// text writes at a place; anchor is start, middle or end.
func (c *canvas) text(x, y float64, class, anchor, text string) {
	c.add(`<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`, x, y, class, anchor, html.EscapeString(text))
}

func (c *canvas) line(x1, y1, x2, y2 float64, class string) {
	c.add(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`, x1, y1, x2, y2, class)
}

func (c *canvas) rect(x, y, width, height float64, class string) {
	c.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="2" class="%s"/>`, x, y, max(width, 1.5), height, class)
}

func (c *canvas) dot(x, y, radius float64, class string) {
	c.add(`<circle cx="%.1f" cy="%.1f" r="%.1f" class="%s"/>`, x, y, radius, class)
}

func (c *canvas) path(points []point, class string) {
	var d strings.Builder
	for i, p := range points {
		fmt.Fprintf(&d, "%c%.1f,%.1f", "ML"[min(i, 1)], p.x, p.y)
	}
	c.add(`<path d="%s" class="%s"/>`, d.String(), class)
}

// point is a place, or a pair of figures.
type point struct{ x, y float64 }

// String is the whole picture; description is for who cannot see it.
func (c *canvas) svg(title, description string) string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img" aria-labelledby="t d">
<title id="t">%s</title>
<desc id="d">%s</desc>
<style>%s
</style>
<rect x="0.5" y="0.5" width="%.0f" height="%.0f" rx="10" class="ground"/>
%s</svg>
`, c.width, c.height, c.width, c.height, html.EscapeString(title), html.EscapeString(description), style, c.width-1, c.height-1, c.parts.String())
}
