package dashboard

import (
	"strings"
	"unicode/utf8"
)

// Terminal is what a text is drawn for. Texts end with a line end.
type Terminal struct {
	Width  int // columns; 0: 80
	Colour bool
}

// Colours of a terminal's own palette, so that they fit its theme.
const (
	plain  = ""
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	blue   = "34"
	violet = "35"
	cyan   = "36"
)

func (t Terminal) paint(colour, text string) string {
	if !t.Colour || colour == plain || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func (t Terminal) width() int {
	if t.Width <= 0 {
		return 80
	}
	return max(t.Width, 40)
}

// stageColours are those of the page, as near as a terminal has them.
var stageColours = map[string]string{
	"gateway": blue, "preprocess": blue, "produce": blue, "feature": cyan, "cache": cyan,
	"network": violet, "model": violet, "publish": green, "retry": yellow, "async": yellow, "mirror": yellow,
}

// bar is one row of a waterfall: its name, where its bar begins and ends, and
// what the line behind it reaches.
type bar struct {
	stage           string
	start, end, far int64 // µs
	cells           []string
	culprit         bool
}

// waterfall draws bars below each other, with their figures.
func (t Terminal) waterfall(head []string, bars []bar) string {
	name, cells, scale := len("stage"), make([]int, len(head)), int64(1)
	for i, h := range head {
		cells[i] = utf8.RuneCountInString(h)
	}
	for _, b := range bars {
		name = max(name, len(b.stage))
		scale = max(scale, b.end, b.far)
		for i, c := range b.cells {
			cells[i] = max(cells[i], utf8.RuneCountInString(c))
		}
	}
	track := t.width() - name - 2
	for _, c := range cells {
		track -= c + 2
	}
	track = max(track, 4)
	var out strings.Builder
	out.WriteString(t.paint(dim, pad("stage", name)+strings.Repeat(" ", track+2)+columns(head, cells)) + "\n")
	for _, b := range bars {
		colour := stageColours[b.stage]
		label := pad(b.stage, name)
		if b.culprit {
			colour, label = red, t.paint(red, label)
		}
		out.WriteString(label + "  " + t.track(b, scale, track, colour) + columns(b.cells, cells) + "\n")
	}
	return out.String()
}

// track draws one bar of eighths of a column, and the line behind it.
func (t Terminal) track(b bar, scale int64, width int, colour string) string {
	at := func(us int64) int { return int(us * int64(width) * 8 / scale) }
	from, to, far := at(b.start), at(b.end), at(b.far)
	from, to = from/8, max((to+7)/8, from/8+1) // a bar is never invisible
	from = min(from, width-1)
	to = min(max(to, from+1), width)
	far = min(max((far+7)/8, to), width)
	return strings.Repeat(" ", from) + t.paint(colour, strings.Repeat("█", to-from)) + t.paint(dim, strings.Repeat("─", far-to)) + strings.Repeat(" ", width-far)
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-utf8.RuneCountInString(s), 0))
}

// columns sets cells flush right.
func columns(cells []string, widths []int) string {
	var out strings.Builder
	for i, c := range cells {
		out.WriteString("  " + strings.Repeat(" ", max(widths[i]-utf8.RuneCountInString(c), 0)) + c)
	}
	return out.String()
}
