package verify

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteJSON writes the verdict as one JSON object.
func (v *Verdict) WriteJSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

// WriteText writes the verdict for people: what was counted, then every rule and
// how often it is broken, then where.
func (v *Verdict) WriteText(w io.Writer) error {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	c := &v.Counts
	if c.Sent > 0 {
		fmt.Fprintf(table, "sent\t%d\tok %d, failed %d, unknown %d\n", c.Sent, c.OK, c.Failed, c.Unknown)
	}
	fmt.Fprintf(table, "events\t%d\trepeated %d, replayed %d, removed by retention %d\n", c.Events, c.Repeated, c.Replays, c.Gone)
	fmt.Fprintf(table, "ended\t%d\t%s\n", c.Ended, v.places())
	fmt.Fprintf(table, "not ended\t%d\tparked %d\n", c.Waiting+c.Parked, c.Parked)
	fmt.Fprintf(table, "ended again\t%d\tin two places %d\n", c.Duplicated, c.TwoPlaces)
	if c.Aborted+c.Open > 0 {
		fmt.Fprintf(table, "aborted\t%d\trecords; in transactions without an end %d\n", c.Aborted, c.Open)
	}
	if c.Calls > 0 {
		fmt.Fprintf(table, "calls\t%d\n", c.Calls)
	}
	if c.Ended > 0 {
		fmt.Fprintf(table, "worst lag\t%s\t%s\n", v.WorstLag.Round(time.Millisecond), v.WorstAt)
	}
	fmt.Fprintf(table, "\nRULE\tBROKEN\n")
	for _, rule := range Rules() {
		fmt.Fprintf(table, "%s\t%d\n", rule, v.Broken[rule])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	v.describe(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (v *Verdict) places() string {
	var parts []string
	for _, name := range placeNames[:parked] {
		parts = append(parts, fmt.Sprintf("%s %d", name, v.Places[name]))
	}
	return strings.Join(parts, ", ")
}

// describe lists where rules are broken.
func (v *Verdict) describe(b *strings.Builder) {
	if v.Torn {
		b.WriteString("\nthe ledger's last line is torn: the sender was killed while it wrote\n")
	}
	if len(v.Violations) == 0 {
		return
	}
	b.WriteByte('\n')
	for _, one := range v.Violations {
		fmt.Fprintln(b, one)
	}
	for _, rule := range Rules() {
		shown := 0
		for i := range v.Violations {
			if v.Violations[i].Rule == rule {
				shown++
			}
		}
		if n := v.Broken[rule]; n > shown {
			fmt.Fprintf(b, "%s: %d more\n", rule, n-shown)
		}
	}
}

// String is the violation in one line.
func (o Violation) String() string {
	parts := []string{string(o.Rule)}
	for _, part := range []string{o.At, o.ID, o.Detail} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "  ")
}
