package quality

import (
	"fmt"
	"strings"
)

// Text is what a terminal shows.
func (f Figures) Text() string {
	var b strings.Builder
	switch {
	case f.Binary != nil:
		f.Binary.text(&b, f.Rows)
	case f.Number != nil:
		line(&b, "held-out rows", "%d", f.Rows)
		line(&b, "RMSE", "%.5g", f.Number.RMSE)
		line(&b, "MAE", "%.5g", f.Number.MAE)
		line(&b, "R²", "%.4f", f.Number.R2)
	}
	return b.String()
}

func line(b *strings.Builder, name, format string, args ...any) {
	fmt.Fprintf(b, "  %-14s %s\n", name, fmt.Sprintf(format, args...))
}

// normal95 is how many standard errors hold 95 %.
const normal95 = 1.96

func (q *Binary) text(b *strings.Builder, rows int) {
	line(b, "held-out rows", "%d, %d of class 1", rows, q.Ones)
	line(b, "AUC", "%.4f (95 %%: %.4f to %.4f)", q.AUC, max(q.AUC-normal95*q.AUCError, 0), min(q.AUC+normal95*q.AUCError, 1))
	if q.LogLoss != nil {
		line(b, "log loss", "%.4f", *q.LogLoss)
		line(b, "calibration", "%.4f mean distance of predicted and observed", *q.Calibration)
	}
	c := q.At
	line(b, fmt.Sprintf("at %g", c.Threshold), "accuracy %.4f, precision %.4f, recall %.4f", c.Accuracy(), c.Precision(), c.Recall())
	fmt.Fprintf(b, "  %-14s %12s %12s\n", "", "predicted 1", "predicted 0")
	fmt.Fprintf(b, "  %-14s %12d %12d\n", "is 1", c.TruePositive, c.FalseNegative)
	fmt.Fprintf(b, "  %-14s %12d %12d\n", "is 0", c.FalsePositive, c.TrueNegative)
	q.bins(b)
	q.curve(b)
}

const barWidth = 30

// bins draw the observed share of each bin as a bar, with a mark where it should end.
func (q *Binary) bins(b *strings.Builder) {
	if len(q.Bins) == 0 {
		return
	}
	fmt.Fprintf(b, "  %-14s observed share of class 1, | is what was predicted\n", "score")
	for _, bin := range q.Bins {
		bar := []rune(strings.Repeat("█", int(bin.Observed*barWidth+0.5)) + strings.Repeat(" ", barWidth+1))[:barWidth+1]
		bar[int(bin.Predicted*barWidth+0.5)] = '|'
		fmt.Fprintf(b, "  %.1f to %.1f     %s %.2f of %d\n", bin.From, bin.From+1.0/bins, string(bar), bin.Observed, bin.Rows)
	}
}

const curveWidth, curveHeight = 40, 8

// curve draws the ROC curve.
func (q *Binary) curve(b *strings.Builder) {
	grid := make([][]rune, curveHeight)
	for y := range grid {
		grid[y] = []rune(strings.Repeat(" ", curveWidth))
	}
	for x := range curveWidth {
		rate := at(q.ROC, float64(x)/(curveWidth-1))
		for y := range grid {
			if low := float64(curveHeight-1-y) / curveHeight; low < rate {
				grid[y][x] = '▒'
			}
		}
	}
	fmt.Fprintf(b, "  %-14s true against false positive rate\n", "ROC")
	for y := range grid {
		edge := "    "
		switch y {
		case 0:
			edge = "1.0 "
		case curveHeight - 1:
			edge = "0.0 "
		}
		fmt.Fprintf(b, "             %s│%s\n", edge, strings.TrimRight(string(grid[y]), " "))
	}
	fmt.Fprintf(b, "                 └%s\n", strings.Repeat("─", curveWidth))
}

// at is the height of a curve, the highest where it is steep.
func at(curve [][2]float64, x float64) float64 {
	height := 0.0
	for i, p := range curve {
		switch {
		case p[0] <= x:
			height = max(height, p[1])
		case i > 0 && curve[i-1][0] < x:
			before := curve[i-1]
			return max(height, before[1]+(p[1]-before[1])*(x-before[0])/(p[0]-before[0]))
		}
	}
	return height
}
