package payments

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"time"
)

// Label is the column of a training file that says whether it was fraud.
const Label = "fraud"

// Features are the columns after the label, in this order.
var Features = [...]string{"amount", "hour", "country_risk", "merchant_risk"}

// filePace is the time between two payments of a file: 500 a second.
const filePace = 2 * time.Millisecond

// fileStart is when the first payment of a file happens.
func fileStart() time.Time { return time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC) }

// AppendJSON appends the event as it is sent, dirt included.
func (p *Payment) AppendJSON(b []byte) []byte {
	start := len(b)
	b = append(b, `{"id":"`...)
	b = append(b, p.ID...)
	b = append(b, `","card_token":"`...)
	b = append(b, p.Card...)
	b = append(b, '"')
	amount := p.Amount
	if p.Dirt == Units {
		amount = round(amount*100, 1)
	}
	b = p.appendNumber(b, 0, amount)
	b = append(b, `,"currency":"`...)
	b = append(b, p.Currency...)
	b = append(b, `","country":"`...)
	b = append(b, p.Country...)
	b = append(b, `","merchant":"`...)
	b = append(b, p.Merchant...)
	b = append(b, '"')
	b = p.appendNumber(b, 1, float64(p.Hour))
	b = p.appendNumber(b, 2, p.CountryRisk)
	b = p.appendNumber(b, 3, p.MerchantRisk)
	b = append(b, `,"event_time":"`...)
	b = p.At.Add(-p.late).UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	b = append(b, `"}`...)
	if p.Dirt == Malformed {
		b = b[:start+(len(b)-start)*2/3]
	}
	return b
}

// appendNumber appends a field of missable, unless dirt took it away.
func (p *Payment) appendNumber(b []byte, field int, x float64) []byte {
	if p.Dirt == Missing && p.missing == field {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, missable[field]...)
	b = append(b, '"', ':')
	return strconv.AppendFloat(b, x, 'f', -1, 64)
}

// WriteCSV writes a training file of n clean payments: a header, then the
// label and the features of each.
func WriteCSV(w io.Writer, n int, seed uint64) error {
	out := bufio.NewWriter(w)
	_, _ = out.WriteString(Label)
	for _, name := range Features {
		_, _ = out.WriteString("," + name)
	}
	_ = out.WriteByte('\n')
	g, at := NewGenerator(Options{Seed: seed}), fileStart()
	var line []byte
	for range n {
		p := g.Next(at)
		at = at.Add(filePace)
		line = append(line[:0], '0')
		if p.Fraud {
			line[0] = '1'
		}
		for _, x := range [...]float64{p.Amount, float64(p.Hour), p.CountryRisk, p.MerchantRisk} {
			line = append(line, ',')
			line = strconv.AppendFloat(line, x, 'f', -1, 64)
		}
		_, _ = out.Write(append(line, '\n')) // bufio keeps the first error for Flush
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write training file: %w", err)
	}
	return nil
}

// WriteNDJSON writes n events as they are sent, one a line.
func WriteNDJSON(w io.Writer, n int, o Options) error {
	out := bufio.NewWriter(w)
	g, at := NewGenerator(o), fileStart()
	var line []byte
	for range n {
		p := g.Next(at)
		at = at.Add(filePace)
		line = append(p.AppendJSON(line[:0]), '\n')
		_, _ = out.Write(line)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	return nil
}
