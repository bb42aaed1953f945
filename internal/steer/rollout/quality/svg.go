package quality

import (
	"fmt"
	"strings"
)

// Sizes of the picture, in its own units.
const (
	side   = 260 // of a square plot
	margin = 45
)

// SVG draws ROC and calibration beside each other; empty for numbers.
func (f Figures) SVG(title string) string {
	q := f.Binary
	if q == nil {
		return ""
	}
	var b strings.Builder
	width, height := 2*(side+2*margin), side+2*margin
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n", escaped(title))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	frame(&b, margin, fmt.Sprintf("ROC, AUC %.4f", q.AUC), "false positive rate", "true positive rate")
	path(&b, margin, q.ROC, "#1f6feb")
	right := side + 3*margin
	frame(&b, right, "Calibration", "predicted", "observed")
	var points [][2]float64
	for _, bin := range q.Bins {
		points = append(points, [2]float64{bin.Predicted, bin.Observed})
	}
	path(&b, right, points, "#bf5700")
	for _, p := range points {
		fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="#bf5700"/>`+"\n", float64(right)+p[0]*side, float64(margin)+(1-p[1])*side)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// frame draws axes, their names and the diagonal of chance.
func frame(b *strings.Builder, left int, title, x, y string) {
	fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#999"/>`+"\n", left, margin, side, side)
	fmt.Fprintf(b, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#ccc" stroke-dasharray="4"/>`+"\n", left, margin+side, left+side, margin)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", left+side/2, margin-12, escaped(title))
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s, 0 to 1</text>`+"\n", left+side/2, margin+side+25, x)
	fmt.Fprintf(b, `<text transform="translate(%d %d) rotate(-90)" text-anchor="middle">%s, 0 to 1</text>`+"\n", left-15, margin+side/2, y)
}

func path(b *strings.Builder, left int, points [][2]float64, colour string) {
	var at []string
	for _, p := range points {
		at = append(at, fmt.Sprintf("%.1f,%.1f", float64(left)+p[0]*side, float64(margin)+(1-p[1])*side))
	}
	fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(at, " "), colour)
}

func escaped(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(text)
}
